// What Weir changes in the language of expressions: regular expressions have the syntax and the linear time of RE2 and are compiled with the
// expression, and loops do not nest. So the time of an evaluation grows with the size of its values only.
import { serialize } from '@marcbachmann/cel-js/serialize';
import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { err, ok, type Result } from '#lib/result.ts';

/** The name of the function that replaces `matches`. */
export const PATTERN_CALL = 'matchesPattern';

/** The functions that evaluate an expression for each value of a list or a map. */
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** A syntax tree in the dialect: its text, the compiled patterns by text, and the names that it uses. */
export interface Translated {
  readonly text: string;
  readonly patterns: ReadonlyMap<string, RE2JS>;
  readonly names: ReadonlySet<string>;
}

/** Compiles the patterns of an expression and checks its loops. The error is a sentence without its subject. */
export function translate(root: ASTNode): Result<Translated> {
  const patterns = new Map<string, RE2JS>();
  const names = new Set<string>();
  const problem = visit(root, { inLoop: false, patterns, names });
  return problem === null ? ok({ text: serialize(root), patterns, names }) : err(problem);
}

interface Place {
  readonly inLoop: boolean;
  readonly patterns: Map<string, RE2JS>;
  readonly names: Set<string>;
}

function visit(node: ASTNode, place: Place): string | null {
  if (node.op === 'id') place.names.add(node.args);
  return node.op === 'rcall' ? visitCall(node, place) : visitAll(childrenOf(node.args), place);
}

function visitCall(node: ASTNode & { readonly op: 'rcall' }, place: Place): string | null {
  const [name, receiver, args] = node.args;
  if (name === PATTERN_CALL) return `calls the unknown function ${PATTERN_CALL}`;
  if (name === 'matches') {
    const problem = takePattern(args, place.patterns);
    if (problem !== null) return problem;
    node.args[0] = PATTERN_CALL;
  }
  const isLoop = LOOPS.has(name) && args.length > 1;
  if (isLoop && place.inLoop) return `has ${name} within another loop; loops cannot nest`;
  return visit(receiver, place) ?? visitAll(args, isLoop ? { ...place, inLoop: true } : place);
}

function visitAll(nodes: readonly ASTNode[], place: Place): string | null {
  for (const node of nodes) {
    const problem = visit(node, place);
    if (problem !== null) return problem;
  }
  return null;
}

function takePattern(args: readonly ASTNode[], patterns: Map<string, RE2JS>): string | null {
  const [pattern] = args;
  if (pattern === undefined || pattern.op !== 'value' || typeof pattern.args !== 'string')
    return 'calls matches with a value; the pattern must be a text in quotes';
  try {
    patterns.set(pattern.args, RE2JS.compile(pattern.args));
    return null;
  } catch (error) {
    return `has an invalid pattern: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The nodes in the operands of an operator, which are nodes, lists of them, and texts. */
function childrenOf(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}
