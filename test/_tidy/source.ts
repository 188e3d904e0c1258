// What the house rules look at: the source files as parsed trees with their imports, the documents, and
// the names at the top. It reads the files that are there, not what git remembers of them.

import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative } from 'node:path'
import ts from 'typescript'

/** The folders that hold source. The first four are rooms of the product. */
export const ROOMS = ['store', 'protocol', 'node', 'sim', 'test'] as const

/** Something that is not as the house wants it. */
export interface Finding {
  file: string
  line: number
  what: string
}

/**
 * How one file leans on another. Only `value` and `dynamic` load it at run time in this thread; `type`
 * vanishes, and `url` names a file that a worker or another process will run.
 */
export type ImportKind = 'value' | 'type' | 'dynamic' | 'url'

export interface Import {
  /** As written. */
  specifier: string
  /** The file it names, from the top of the project; undefined for a package. */
  target: string | undefined
  kind: ImportKind
  line: number
}

export interface Source {
  /** From the top of the project, '/'-separated. */
  path: string
  lines: readonly string[]
  tree: ts.SourceFile
  imports: readonly Import[]
}

export interface House {
  sources: readonly Source[]
  /** Every Markdown file: path to text. */
  documents: ReadonlyMap<string, string>
  /** Names at the top of the project. */
  topNames: readonly string[]
  packageJson: { dependencies: object; devDependencies: object }
}

/** The room a path lies in, such as `store`. */
export function roomOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

export function isTest(path: string): boolean {
  return roomOf(path) === 'test'
}

export function at(source: Source, node: ts.Node, what: string): Finding {
  const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree))
  return { file: source.path, line: line + 1, what }
}

/** Calls `visit` for `node` and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

export function parse(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS)
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const imports: Import[] = []
  walk(tree, (node) => {
    const found = importOf(node)
    if (found === undefined) return
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree))
    const target = /^\.\.?\//.test(found.specifier)
      ? posix.join(posix.dirname(path), found.specifier)
      : undefined
    imports.push({ ...found, target, line: line + 1 })
  })
  return { path, lines, tree, imports }
}

/** What a node imports. A dynamic import of what is not a plain string has the specifier `''`. */
function importOf(node: ts.Node): { specifier: string; kind: ImportKind } | undefined {
  if (ts.isImportDeclaration(node)) {
    const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
    return { specifier: textOf(node.moduleSpecifier), kind: isType ? 'type' : 'value' }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return { specifier: textOf(node.moduleSpecifier), kind: node.isTypeOnly ? 'type' : 'value' }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { specifier: textOf(node.argument.literal), kind: 'type' }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: textOf(node.arguments[0]), kind: 'dynamic' }
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'URL') {
    const [specifier, base] = node.arguments ?? []
    const isFile = base?.getText() === 'import.meta.url' && textOf(specifier).endsWith('.ts')
    return isFile ? { specifier: textOf(specifier), kind: 'url' } : undefined
  }
  return undefined
}

function textOf(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : ''
}

export function readHouse(root: string): House {
  const files = listFiles(root, root)
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  return {
    sources: files
      .filter((path) => path.endsWith('.ts') && ROOMS.some((room) => room === roomOf(path)))
      .map((path) => parse(path, read(path))),
    documents: new Map(files.filter((path) => path.endsWith('.md')).map((p) => [p, read(p)])),
    topNames: readdirSync(root),
    packageJson: JSON.parse(read('package.json')) as House['packageJson']
  }
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', '.git', '_fixtures'].includes(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return listFiles(root, path)
    return entry.isFile() ? [relative(root, path).split('\\').join('/')] : []
  })
}
