// The rules on who may lean on whom: between rooms, between files, and on packages. The direction of
// the imports is the architecture; a rule broken here is a wall that leans the wrong way.

import { isTest, roomOf, type Finding, type House, type Import, type Source } from './source.ts'

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  store: ['store'],
  protocol: ['store', 'protocol'],
  node: ['store', 'protocol', 'node'],
  sim: ['store', 'protocol', 'node', 'sim'],
  test: ['store', 'protocol', 'node', 'sim', 'test']
}

/** The one file of the product that may load sim, and only when it is called for. */
const SIM_LOADER = 'node/cli/sim.ts'

type Judge = (source: Source, each: Import) => string | undefined

/** Asks `judge` about every import; what it answers becomes a finding. */
function judgeImports(house: House, judge: Judge): Finding[] {
  return house.sources.flatMap((source) =>
    source.imports.flatMap((each) => {
      const what = judge(source, each)
      return what === undefined ? [] : [{ file: source.path, line: each.line, what }]
    })
  )
}

export function directions(house: House): Finding[] {
  return judgeImports(house, (source, { target, kind, specifier }) => {
    const from = roomOf(source.path)
    if (specifier === '' && from !== 'test') return 'imports a name that only running would tell'
    if (target === undefined) return undefined
    const to = roomOf(target)
    if (MAY_IMPORT[to] === undefined || MAY_IMPORT[from]?.includes(to)) return undefined
    if (source.path === SIM_LOADER && to === 'sim' && kind === 'dynamic') return undefined
    return `${from} must not import ${target}`
  })
}

/** One finding a cycle, named by its files. Edges that vanish with the types make no cycle. */
export function cycles(house: House): Finding[] {
  const edges = new Map(
    house.sources.map(({ path, imports }) => [path, imports.filter(isLoaded)] as const)
  )
  const done = new Set<string>()
  const trail: string[] = []
  const findings: Finding[] = []
  const visit = (path: string): void => {
    trail.push(path)
    for (const { target, line } of edges.get(path) ?? []) {
      if (target === undefined || done.has(target)) continue
      const start = trail.indexOf(target)
      if (start < 0) visit(target)
      else {
        const what = `closes a cycle: ${[...trail.slice(start), target].join(' → ')}`
        findings.push({ file: path, line, what })
      }
    }
    trail.pop()
    done.add(path)
  }
  for (const path of edges.keys()) if (!done.has(path)) visit(path)
  return findings
}

function isLoaded({ kind }: Import): boolean {
  return kind === 'value' || kind === 'dynamic'
}

/** A package, or several, that only some files may import. Tests may import any. */
interface Reserved {
  packages: RegExp
  to: RegExp
  where: string
}

const NETWORK: Reserved = {
  packages: /^(libp2p|multicast-dns|@libp2p\/.*|@chainsafe\/.*)$/,
  to: /^node\/net\//,
  where: 'node/net/'
}

const INDEX: Reserved = {
  packages: /^(level|memory-level|abstract-level|classic-level)$/,
  to: /^store\/index\.ts$/,
  where: 'store/index.ts'
}

const FILE_SYSTEM: Reserved = {
  packages: /^(node:)?fs(\/promises)?$/,
  to: /^(store\/(disk[^/]*|real-disk)\.ts|node\/tree\/|node\/cli(\/|\.ts$))/,
  where: 'store/disk*.ts, node/tree/ and node/cli/'
}

function reserved(house: House, { packages, to, where }: Reserved): Finding[] {
  return judgeImports(house, (source, { specifier }) => {
    const allowed = isTest(source.path) || to.test(source.path)
    const isIt = packages.test(specifier) || packages.test(packageOf(specifier))
    return isIt && !allowed ? `imports ${specifier}, which belongs to ${where}` : undefined
  })
}

export const network = (house: House): Finding[] => reserved(house, NETWORK)
export const index = (house: House): Finding[] => reserved(house, INDEX)
export const fileSystem = (house: House): Finding[] => reserved(house, FILE_SYSTEM)

/** Whoever installs Drystone gets its dependencies, and neither theirs nor those of its tests by name. */
export function declared(house: House): Finding[] {
  const shipped = Object.keys(house.packageJson.dependencies)
  const forTests = [...shipped, ...Object.keys(house.packageJson.devDependencies)]
  return judgeImports(house, (source, { specifier, target, kind }) => {
    if (target !== undefined || specifier === '' || specifier.startsWith('node:')) return undefined
    const name = packageOf(specifier)
    // A types package stands for the package whose types it holds.
    const known = isTest(source.path) || kind === 'type' ? forTests : shipped
    return known.includes(name)
      ? undefined
      : `${name} is not among the dependencies in package.json`
  })
}

/** `@libp2p/tcp` of `@libp2p/tcp/filters`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
