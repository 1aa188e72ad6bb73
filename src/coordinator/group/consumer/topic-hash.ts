import { xxh3 } from '../../../base/xxh3.ts'
import type { TopicSummary, TopicView } from '../../topic-view.ts'

/**
 * Hashes the topic metadata of a group: when the hash changes, the assignment must be computed
 * again. Bit-identical to Kafka's (`Utils.computeGroupHash`), so that a group that moves between
 * the two needs no rebalance.
 */
export class TopicHashes {
  private readonly topics: TopicView
  /** Keyed by summary, because a topic's summary is replaced when the topic changes. */
  private readonly known = new WeakMap<TopicSummary, bigint>()

  constructor(topics: TopicView) {
    this.topics = topics
  }

  /** Returns the hash of the existing topics among these; 0 if there are none. */
  ofGroup(names: Iterable<string>): bigint {
    const found = [...names].sort().flatMap((name) => this.topics.byName(name) ?? [])
    if (found.length === 0) return 0n
    const bytes = Buffer.alloc(8 * found.length)
    for (const [i, topic] of found.entries()) bytes.writeBigUInt64LE(this.ofTopic(topic), 8 * i)
    return BigInt.asIntN(64, xxh3(bytes))
  }

  private ofTopic(topic: TopicSummary): bigint {
    let hash = this.known.get(topic)
    if (hash === undefined) this.known.set(topic, (hash = xxh3(topicBytes(topic))))
    return hash
  }
}

const magic = 0

/**
 * Returns the bytes that Kafka hashes: little-endian numbers, UTF-16 strings followed by their
 * length.
 */
function topicBytes({ name, id, partitionCount, partitionRacks }: TopicSummary): Buffer {
  const parts = [Buffer.from([magic]), Buffer.from(id, 'base64url').swap64(), text(name)]
  parts.push(int(partitionCount))
  for (let partition = 0; partition < partitionCount; partition++) {
    parts.push(int(partition))
    for (const rack of [...(partitionRacks[partition] ?? [])].sort()) {
      parts.push(int(rack.length), text(rack))
    }
  }
  return Buffer.concat(parts)
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value, 'utf16le'), int(value.length)])
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
