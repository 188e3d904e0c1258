// The rules on names: of the top of the house, of files and folders, and of what the source declares.
// Only declarations are looked at, so that a library may call its things what it likes.

import ts from 'typescript'
import { at, isTest, walk, type Finding, type House } from './source.ts'

const TOP_NAMES = new Set([
  ...['node', 'protocol', 'store', 'sim', 'test'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'eslint.config.js'],
  ...['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'LICENSE']
])

/** What git ignores: see .gitignore. Names that start with a dot are free. */
const IGNORED_TOP_NAMES = /^(\..*|node_modules|dist|.*\.log)$/

export function topNames(house: House): Finding[] {
  return house.topNames
    .filter((name) => !TOP_NAMES.has(name) && !IGNORED_TOP_NAMES.test(name))
    .map((file) => ({ file, line: 1, what: 'has no place at the top' }))
}

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /^(utils?|helpers?|commons?|misc|types?|shared|stuff)$/

export function fileNames(house: House): Finding[] {
  return house.sources.flatMap(({ path }) => {
    const finding = (what: string): Finding[] => [{ file: path, line: 1, what }]
    const parts = path.split('/').map((part) => part.replace(/^_|(\.test|\.bench)?\.ts$/g, ''))
    const empty = parts.flatMap((part) => part.split('-')).find((word) => EMPTY_NAMES.test(word))
    if (empty !== undefined) return finding(`"${empty}" says nothing about what is inside`)
    const odd = parts.find((part) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part))
    return odd === undefined ? [] : finding(`"${odd}" is not in kebab-case`)
  })
}

/** Files that hold nothing of their own, and only pass on what others export. */
export function barrels(house: House): Finding[] {
  return house.sources.flatMap(({ path, tree }) => {
    const own = tree.statements.filter((each) => !ts.isImportDeclaration(each))
    const passesOn = own.length > 0 && own.every((each) => ts.isExportDeclaration(each))
    return passesOn ? [{ file: path, line: 1, what: 'only re-exports' }] : []
  })
}

/** Words that mean something else, or nothing, in this house. */
const FORBIDDEN_WORDS = new Set([
  ...['client', 'clients', 'server', 'servers'],
  ...['helper', 'helpers', 'manager', 'managers', 'util', 'utils'],
  ...['repositories', 'repository', 'snapshot', 'snapshots', 'vault', 'vaults']
])

export function words(house: House): Finding[] {
  const findings: Finding[] = []
  for (const source of house.sources) {
    if (isTest(source.path)) continue
    for (const word of wordsOf(source.path)) {
      if (FORBIDDEN_WORDS.has(word))
        findings.push({ file: source.path, line: 1, what: `is named "${word}"` })
    }
    walk(source.tree, (node) => {
      const name = declaredName(node)
      const word = name && wordsOf(name.text).find((each) => FORBIDDEN_WORDS.has(each))
      if (name && word !== undefined) findings.push(at(source, name, `${name.text} says "${word}"`))
    })
  }
  return findings
}

/** The name that a node gives to something of ours. */
function declaredName(node: ts.Node): ts.Identifier | ts.PrivateIdentifier | undefined {
  const names =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isTypeParameterDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isAccessor(node) ||
    // Only a new name: what a package calls its own export is its own affair.
    (ts.isImportSpecifier(node) && node.propertyName !== undefined) ||
    ts.isNamespaceImport(node)
  if (!names || !node.name) return undefined
  return ts.isIdentifier(node.name) || ts.isPrivateIdentifier(node.name) ? node.name : undefined
}

/** `wordsOf('openFileServer')` is open, file, server. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
}
