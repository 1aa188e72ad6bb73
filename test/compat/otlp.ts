/** A field of a Protocol Buffers message: its number, and its bytes if it is length-delimited. */
interface Field {
  readonly number: number
  readonly bytes: Buffer | null
}

/** @throws RangeError if the bytes are no message. */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const [number, wireType] = [Math.floor(tag / 8), tag % 8]
    if (wireType === 2) {
      const length = varint()
      if (at + length > message.length) throw new RangeError('a field goes beyond its message')
      yield { number, bytes: message.subarray(at, at + length) }
      at += length
      continue
    }
    if (wireType === 0) varint()
    else if (wireType === 1) at += 8
    else if (wireType === 5) at += 4
    else throw new RangeError(`no wire type ${wireType}`)
    yield { number, bytes: null }
  }
}

const within = (messages: readonly Buffer[], number: number): Buffer[] =>
  messages.flatMap((message) =>
    [...fieldsOf(message)].flatMap((field) =>
      field.number === number && field.bytes !== null ? [field.bytes] : [],
    ),
  )

/**
 * The names of the metrics in OpenTelemetry's `MetricsData`: resource_metrics (1), scope_metrics (2),
 * metrics (2), name (1).
 */
export function metricNames(data: Buffer): string[] {
  return [1, 2, 2, 1].reduce(within, [data] as Buffer[]).map((name) => name.toString())
}

/** The attributes of a client's resource in its metrics: resource (1), attributes (1), key (1). */
export function resourceAttributes(data: Buffer): string[] {
  return [1, 1, 1, 1].reduce(within, [data] as Buffer[]).map((key) => key.toString())
}
