import type { ErrorName } from '../../protocol/errors.ts'
import { accessControlEntryRecord } from '../../protocol/stored/metadata/18-access-control-entry-record.ts'
import { removeAccessControlEntryRecord } from '../../protocol/stored/metadata/19-remove-access-control-entry-record.ts'
import {
  type Acl,
  type AclFilter,
  aclOperations,
  aclResourceTypes,
  matchesAcl,
  nameOf,
  patternTypes,
  permissionTypes,
} from '../acls.ts'
import type { Image } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import { type Command, randomUuid } from './controller.ts'

export interface AclResult {
  readonly error: ErrorName
  readonly errorMessage: string | null
}

export interface DeletedAcls extends AclResult {
  readonly deleted: readonly Acl[]
}

const success: AclResult = { error: 'NONE', errorMessage: '' }

/** Adds entries; those that exist already, or twice in the request, are added once. */
export function createAcls(acls: readonly Acl[]): Command<AclResult[]> {
  return ({ image, random }) => {
    const records: MetadataRecord[] = []
    const existing = keysLike(acls, image)
    const answer = acls.map((acl): AclResult => {
      const fault = faultOf(acl)
      if (fault !== null) return { error: 'INVALID_REQUEST', errorMessage: fault }
      const key = keyOf(acl)
      if (existing.has(key)) return success
      existing.add(key)
      const id = randomUuid(random)
      records.push(metadataRecord(accessControlEntryRecord, { ...acl, id }))
      return success
    })
    return { records, answer }
  }
}

/** Removes all entries that any of the filters matches; each once. */
export function deleteAcls(filters: readonly AclFilter[]): Command<DeletedAcls[]> {
  return ({ image }) => {
    const removed = new Set<string>()
    const answer = filters.map((filter): DeletedAcls => {
      const fault = faultOfFilter(filter)
      if (fault !== null) return { error: 'INVALID_REQUEST', errorMessage: fault, deleted: [] }
      const deleted: Acl[] = []
      for (const [id, acl] of image.acls) {
        if (!matchesAcl(filter, acl)) continue
        deleted.push(acl)
        removed.add(id)
      }
      return { error: 'NONE', errorMessage: null, deleted }
    })
    const records = [...removed].map((id) => metadataRecord(removeAccessControlEntryRecord, { id }))
    return { records, answer }
  }
}

/** Entries are equal if all fields but the id are. */
function keyOf(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permissionType } =
    acl
  return JSON.stringify([
    resourceType,
    resourceName,
    patternType,
    principal,
    host,
    operation,
    permissionType,
  ])
}

/** Returns the keys of the entries for the same resource names as `wanted`. */
function keysLike(wanted: readonly Acl[], image: Image): Set<string> {
  const names = new Set(wanted.map(({ resourceName }) => resourceName))
  const keys = new Set<string>()
  for (const acl of image.acls.values()) if (names.has(acl.resourceName)) keys.add(keyOf(acl))
  return keys
}

/** Kafka's `AclControlManager.validateNewAcl`. */
function faultOf(acl: Acl): string | null {
  const { LITERAL, PREFIXED } = patternTypes
  const type = nameOf(aclResourceTypes, acl.resourceType)
  if (type === 'UNKNOWN') return `Invalid resourceType ${type}`
  if (acl.patternType !== LITERAL && acl.patternType !== PREFIXED) {
    return `Invalid patternType ${nameOf(patternTypes, acl.patternType)}`
  }
  const operation = nameOf(aclOperations, acl.operation)
  if (operation === 'UNKNOWN') return `Invalid operation ${operation}`
  const permission = nameOf(permissionTypes, acl.permissionType)
  if (permission !== 'ALLOW' && permission !== 'DENY') {
    return `Invalid permissionType ${permission}`
  }
  if (acl.resourceName === '') return 'Resource name should not be empty'
  if (!acl.principal.includes(':')) {
    return `Could not parse principal from \`${acl.principal}\` (no colon is present separating the principal type from the principal name)`
  }
  return acl.host === '' ? 'Host pattern cannot be null or empty' : null
}

/** Kafka's `AclControlManager.validateFilter`. */
function faultOfFilter(filter: AclFilter): string | null {
  const isUnknown = (codes: Readonly<Record<string, number>>, code: number) =>
    nameOf(codes, code) === 'UNKNOWN'
  if (
    isUnknown(aclResourceTypes, filter.resourceType) ||
    isUnknown(patternTypes, filter.patternType)
  ) {
    return 'Unknown patternFilter.'
  }
  const isOfEntry =
    isUnknown(aclOperations, filter.operation) || isUnknown(permissionTypes, filter.permissionType)
  return isOfEntry ? 'Unknown entryFilter.' : null
}
