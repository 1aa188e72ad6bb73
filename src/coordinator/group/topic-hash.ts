import { xxh3 } from '../../base/xxh3.ts'
import type { TopicSummary, TopicView } from '../coordinator-log.ts'

/**
 * One number for all that a group should know of its topics: when it changes, so must the
 * assignment. Bit for bit Kafka's (`Utils.computeGroupHash`), so that a group that moves from one
 * to the other is not disturbed.
 */
export class TopicHashes {
  private readonly topics: TopicView
  /** A summary is replaced when its topic changes. */
  private readonly known = new WeakMap<TopicSummary, bigint>()

  constructor(topics: TopicView) {
    this.topics = topics
  }

  /** Of those of the topics that there are; 0 for none. */
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

/** What Kafka feeds its hash: little-endian numbers, strings in UTF-16 with their length behind. */
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
