import { type Acl, patternTypes, wildcardResource } from '../metadata/acls.ts'

interface OfType {
  readonly literal: Map<string, Acl[]>
  readonly prefixed: Map<string, Acl[]>
  /** Lengths of the prefixes in characters, each once, longest first. */
  prefixLengths: number[]
}

/** Access control entries by resource, so that a question reads only those that apply. */
export class AclIndex {
  private readonly types = new Map<number, OfType>()

  constructor(acls: Iterable<Acl>) {
    for (const acl of acls) {
      const { literal, prefixed } = this.ofType(acl.resourceType)
      const byName = acl.patternType === patternTypes.PREFIXED ? prefixed : literal
      const same = byName.get(acl.resourceName)
      if (same === undefined) byName.set(acl.resourceName, [acl])
      else same.push(acl)
    }
    for (const type of this.types.values()) {
      const lengths = new Set([...type.prefixed.keys()].map((prefix) => prefix.length))
      type.prefixLengths = [...lengths].sort((a, b) => b - a)
    }
  }

  /**
   * Returns the entries that apply to a resource, in lists that are not empty: those of its name,
   * of each of its prefixes, and of the wildcard.
   */
  of(resourceType: number, name: string): readonly (readonly Acl[])[] {
    const type = this.types.get(resourceType)
    if (type === undefined) return []
    const lists = [type.literal.get(name)]
    for (const length of type.prefixLengths) {
      if (length <= name.length) lists.push(type.prefixed.get(name.slice(0, length)))
    }
    if (name !== wildcardResource) lists.push(type.literal.get(wildcardResource))
    return lists.filter((list) => list !== undefined)
  }

  /** Yields all entries of a type of resource. */
  *ofAll(resourceType: number): Iterable<Acl> {
    const type = this.types.get(resourceType)
    if (type === undefined) return
    for (const acls of type.literal.values()) yield* acls
    for (const acls of type.prefixed.values()) yield* acls
  }

  private ofType(resourceType: number): OfType {
    const known = this.types.get(resourceType)
    if (known !== undefined) return known
    const created: OfType = { literal: new Map(), prefixed: new Map(), prefixLengths: [] }
    this.types.set(resourceType, created)
    return created
  }
}
