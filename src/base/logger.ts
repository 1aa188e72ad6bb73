/** Ordered from the most to the least talkative. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What a log line carries besides its text; values are printed as `key=value`. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Where the broker says what an operator can act on. Any pino-like logger fits after adapting. */
export interface Logger {
  /** Lines below it are dropped. Where a logger has one, administrators can alter it as that of `root`. */
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
 * One line a message: time, level, text, then fields. `write` gets the line with its newline.
 *
 * @param level lines below it are dropped; it can be altered.
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

function fieldsText(fields: LogFields | undefined): string {
  if (fields === undefined) return ''
  let text = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const shown = String(value)
    text += ` ${key}=${/[\s"=]/.test(shown) || shown === '' ? JSON.stringify(shown) : shown}`
  }
  return text
}
