import { javaTools } from '../kafka/tools.ts'

/** A PartitionChangeRecord, as far as it is looked at. */
export interface Change {
  /** 1 after an unclean election; absent if it is left alone. */
  readonly leaderRecoveryState?: number
}

/** Reads the changes of a topic's partitions from a controller's log, with kafka-dump-log. */
export async function changesOf(topicId: string, files: readonly string[]): Promise<Change[]> {
  const tools = await javaTools()
  const args = ['--cluster-metadata-decoder', '--files', files.join()]
  const said = await tools.ask('dump-log', args)
  return [...said.matchAll(/payload: (\{"type":"PARTITION_CHANGE_RECORD".*\})\s*$/gm)]
    .map(([, json]) => JSON.parse(json!).data)
    .filter((data) => data.topicId === topicId)
}
