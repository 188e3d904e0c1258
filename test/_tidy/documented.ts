// The rule that whatever a user can be told is explained somewhere: each failure by its name in backticks
// (many are words that prose uses too), each exit code by a row of a table, in any Markdown file.

import ts from 'typescript'
import { at, isTest, walk, type Finding, type House, type Source } from './source.ts'

const BASE = 'DrystoneError'
const EXIT_CODES = 'node/cli/exit.ts'

interface Failure {
  source: Source
  node: ts.ClassDeclaration
  name: string
}

/**
 * Every class that extends DrystoneError, directly or through others; but not one that carries another's
 * failure, whose `name` is any string: nobody is ever told its own.
 */
export function failures(house: House): Failure[] {
  const parents = new Map<Failure, string>()
  for (const source of house.sources) {
    if (isTest(source.path)) continue
    walk(source.tree, (node) => {
      if (!ts.isClassDeclaration(node) || node.name === undefined) return
      const parent = node.heritageClauses?.find(
        (clause) => clause.token === ts.SyntaxKind.ExtendsKeyword
      )
      if (parent) {
        const name = parent.types[0]?.expression.getText() ?? ''
        parents.set({ source, node, name: node.name.text }, name)
      }
    })
  }
  const names = new Set([BASE])
  for (let before = 0; before < names.size;) {
    before = names.size
    for (const [{ name }, parent] of parents) if (names.has(parent)) names.add(name)
  }
  names.delete(BASE)
  return [...parents.keys()].filter(({ name, node }) => names.has(name) && !isCarrier(node))
}

export function undocumentedFailures(house: House): Finding[] {
  const documents = [...house.documents.values()].join('\n')
  return failures(house)
    .filter(({ name }) => !documents.includes(`\`${name}\``))
    .map(({ source, node, name }) => at(source, node, `${name} stands in no document`))
}

/** `name` tells failures apart, so it says what the class says, once in the house. */
export function misnamedFailures(house: House): Finding[] {
  const seen = new Set<string>()
  return failures(house).flatMap(({ source, node, name }) => {
    const isAbstract = node.modifiers?.some((each) => each.kind === ts.SyntaxKind.AbstractKeyword)
    if (isAbstract === true) return []
    const isTwice = seen.has(name)
    seen.add(name)
    if (isTwice) return [at(source, node, `${name} is the name of another failure too`)]
    return nameField(node) === name ? [] : [at(source, node, `name is not '${name}'`)]
  })
}

function nameProperty(node: ts.ClassDeclaration): ts.PropertyDeclaration | undefined {
  return node.members
    .filter((member) => ts.isPropertyDeclaration(member))
    .find((member) => member.name.getText() === 'name')
}

function nameField(node: ts.ClassDeclaration): string | undefined {
  const value = nameProperty(node)?.initializer
  return value !== undefined && ts.isStringLiteral(value) ? value.text : undefined
}

function isCarrier(node: ts.ClassDeclaration): boolean {
  const property = nameProperty(node)
  return property?.initializer === undefined && property?.type?.getText() === 'string'
}

/** Exit codes are the numbers in node/cli/exit.ts. */
export function undocumentedExitCodes(house: House): Finding[] {
  const source = house.sources.find(({ path }) => path === EXIT_CODES)
  if (source === undefined) return []
  const documents = [...house.documents.values()].join('\n')
  const findings = new Map<string, Finding>()
  walk(source.tree, (node) => {
    if (!ts.isNumericLiteral(node) || findings.has(node.text)) return
    const row = new RegExp(`^\\|\\s*\`?${node.text}\`?\\s*\\|`, 'm')
    if (!row.test(documents)) {
      const what = `exit code ${node.text} has no row in a document`
      findings.set(node.text, at(source, node, what))
    }
  })
  return [...findings.values()]
}
