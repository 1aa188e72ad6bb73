/** Ordered from most to least verbose. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Fields of a log line besides its text, printed as `key=value`. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Receives log lines that an operator can act on. Any pino-like logger fits with an adapter. */
export interface Logger {
  /** Minimum level. If present, administrators can change it as that of the logger `root`. */
  level?: string
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
}

/**
 * Logs one line per message: time, level, text, fields. `write` gets the line with its newline.
 *
 * @param level minimum level; can be changed later.
 */
export function lineLogger(
  level: LogLevel,
  nowMs: () => number,
  write: (line: string) => void,
): Logger {
  const rankOf = (one: string) => logLevels.indexOf(one as LogLevel)
  const at = (lineLevel: LogLevel) => {
    const label = lineLevel.toUpperCase().padEnd(5)
    const rank = rankOf(lineLevel)
    return (message: string, fields?: LogFields) => {
      if (rank < rankOf(logger.level)) return
      write(`${new Date(nowMs()).toISOString()} ${label} ${message}${fieldsText(fields)}\n`)
    }
  }
  const logger = {
    ...{ level: level as string, debug: at('debug'), info: at('info') },
    ...{ warn: at('warn'), error: at('error') },
  }
  return logger
}

/**
 * Wraps a logger whose errors must not stop the broker: whatever it throws or rejects with is
 * dropped, and `failed` is called with the first error.
 */
export function guardedLogger(logger: Logger, failed: (error: unknown) => void): Logger {
  let hasFailed = false
  const fail = (error: unknown) => {
    if (!hasFailed) failed(error)
    hasFailed = true
  }
  const guarded = (level: Exclude<LogLevel, 'silent'>) => (message: string, fields?: LogFields) => {
    try {
      const returned: unknown = logger[level](message, fields)
      if (returned instanceof Promise) returned.catch(fail)
    } catch (error) {
      fail(error)
    }
  }
  const result: Logger = {
    ...{ debug: guarded('debug'), info: guarded('info') },
    ...{ warn: guarded('warn'), error: guarded('error') },
  }
  const guardedly = <T>(act: () => T): T | undefined => {
    try {
      return act()
    } catch (error) {
      fail(error)
      return undefined
    }
  }
  const levelOf = () => guardedly(() => logger.level)
  if (levelOf() === undefined) return result
  const set = (level: string) => {
    guardedly(() => {
      logger.level = level
    })
  }
  return Object.defineProperty(result, 'level', { get: levelOf, set })
}

function fieldsText(fields: LogFields | undefined): string {
  if (fields === undefined) return ''
  let text = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const shown = String(value)
    text += ` ${key}=${/[\s"=\p{Cc}]/u.test(shown) || shown === '' ? JSON.stringify(shown) : shown}`
  }
  return text
}
