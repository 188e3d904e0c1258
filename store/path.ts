// Paths as bytes: name bytes joined by '/', relative to a root whose own path is empty. A name is whatever
// a file system says it is, valid UTF-8 or not, so nothing here decodes one.

const SLASH = 0x2f

/** The path of `name` in the directory `parent`. */
export function joinPath(parent: Uint8Array, name: Uint8Array): Uint8Array {
  if (parent.length === 0) return name
  const path = new Uint8Array(parent.length + 1 + name.length)
  path.set(parent)
  path[parent.length] = SLASH
  path.set(name, parent.length + 1)
  return path
}

/** The names of `path`, from the root down; none for the root. Names are views, and may be empty. */
export function splitPath(path: Uint8Array): Uint8Array[] {
  if (path.length === 0) return []
  const names: Uint8Array[] = []
  for (let from = 0; from <= path.length;) {
    const slash = path.indexOf(SLASH, from)
    const end = slash === -1 ? path.length : slash
    names.push(path.subarray(from, end))
    from = end + 1
  }
  return names
}
