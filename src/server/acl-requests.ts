import type { AclFilter } from '../metadata/acls.ts'
import { checkKnown } from './unknown-codes.ts'

interface FilterFields {
  readonly resourceTypeFilter: number
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
  readonly principalFilter: string | null
  readonly hostFilter: string | null
  readonly operation: number
  readonly permissionType: number
}

/** Reads the filter of DescribeAcls and DeleteAcls. @throws Malformed for unknown codes. */
export function aclFilterOf(fields: FilterFields): AclFilter {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = fields
  checkKnown([resourceTypeFilter, patternTypeFilter, operation, permissionType])
  return {
    resourceType: resourceTypeFilter,
    resourceName: fields.resourceNameFilter,
    patternType: patternTypeFilter,
    principal: fields.principalFilter,
    host: fields.hostFilter,
    operation,
    permissionType,
  }
}
