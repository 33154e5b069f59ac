// Runs guides as tests: saves every manifest of a page in docs/guides, runs every command, and compares the output with that on the page.
//
// A block of `yaml`, `proto`, `ts`, `mjs` or `go` begins with a comment with the name of its file. A block of `console` has commands after `$ ` (a line
// that ends with `\` continues), each followed by its output: exactly this text, except that `...` stands for anything, within a line or
// as a line of its own. Output whose last line is `...` belongs to a command that does not end: it continues in a separate terminal.
import { afterAll, beforeAll, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWith } from './describe-with.ts';
import type { RequirementName } from './requirements.ts';
import { Terminal } from './terminal.ts';
import type { Network } from './terminal.ts';

const GUIDES = path.resolve(import.meta.dirname, '..', '..', 'docs', 'guides');
/** Time limit of a step: saved configuration is live at once, but test machines are slow. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 50;

/** One step of a page; `line`: its line on the page. */
export type Step =
  | { readonly kind: 'file'; readonly line: number; readonly name: string; readonly text: string }
  | { readonly kind: 'command'; readonly line: number; readonly command: string; readonly output: readonly string[] };

/** The requirements of a guide besides the machine. */
export interface GuideOptions {
  /** More environment variables for the commands; called before the first one. */
  readonly env?: () => NodeJS.ProcessEnv;
  /** Paths in the checkout that the reader has too: `charts`. */
  readonly checkout?: readonly string[];
  /** `own`: a network where every port is free (default); or that of the machine, for programs in a test cluster. */
  readonly network?: Network;
}

/** A test for each step of a page of docs/guides, in their order. */
export function describeGuide(name: string, needs: readonly RequirementName[], options: GuideOptions = {}): void {
  const { env = () => ({}), network = 'own', checkout = [] } = options;
  const steps = readGuide(readFileSync(path.join(GUIDES, name), 'utf8'));
  describeWith(network === 'own' ? ['root', 'ip', ...needs] : needs, `docs/guides/${name}`, () => {
    let terminal: Terminal;
    beforeAll(async () => void (terminal = await Terminal.open(env(), network, checkout)));
    afterAll(() => terminal.close());

    for (const step of steps) {
      const title = step.kind === 'file' ? step.name : `$ ${step.command}`;
      test(`${name}:${step.line} ${title}`, () => follow(step, terminal), 180_000);
    }
  });
}

/** Runs the step; rejects if the output differs from the page. */
export async function follow(step: Step, terminal: Terminal, patience = PATIENCE_MS): Promise<void> {
  if (step.kind === 'file') return terminal.save(step.name, step.text);
  const { command, output } = step;
  if (output.at(-1) === '...') return terminal.leaveRunning(command, patternOf(output), patience);
  const expected = patternOf(output);
  const deadline = performance.now() + patience;
  for (;;) {
    const { code, text } = await terminal.run(command);
    if (output.length === 0 ? code === 0 : expected.test(text)) return;
    if (output.length === 0 || performance.now() > deadline) throw new Error(`$ ${command}\nended with ${code} and printed\n${text}`);
    await delay(PAUSE_MS);
  }
}

/** A pattern for the expected output. */
export function patternOf(output: readonly string[]): RegExp {
  const lines = output.map((line) => (line === '...' ? '(?:.*\\n)*' : `${line.split('...').map(literally).join('.*')}\\n`));
  return new RegExp(`^${lines.join('')}$`);
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The steps of a page. Throws for a block that cannot be run. */
export function readGuide(page: string): readonly Step[] {
  return blocksOf(page.split('\n')).flatMap((block): readonly Step[] => {
    const comment = COMMENTS.get(block.language);
    if (comment !== undefined) return [fileOf(block, comment)];
    if (block.language === 'console') return commandsOf(block);
    throw new Error(`line ${block.line}: a block of "${block.language}" is neither a file nor console`);
  });
}

/** How the languages of files begin a comment. */
const COMMENTS: ReadonlyMap<string, string> = new Map([
  ['yaml', '# '],
  ['proto', '// '],
  ['ts', '// '],
  ['mjs', '// '],
  ['go', '// '],
]);

interface Block {
  readonly language: string;
  /** The 1-based line of the first line of the content. */
  readonly line: number;
  readonly lines: readonly string[];
}

function blocksOf(lines: readonly string[]): readonly Block[] {
  const fences = lines.flatMap((line, i) => (line.startsWith('```') ? [i] : []));
  if (fences.length % 2 === 1) throw new Error(`line ${(fences.at(-1) ?? 0) + 1}: the block does not end`);
  return fences.flatMap((start, i) => {
    if (i % 2 === 1) return [];
    return [{ language: (lines[start] ?? '').slice(3), line: start + 2, lines: lines.slice(start + 1, fences[i + 1]) }];
  });
}

function fileOf({ language, line, lines }: Block, comment: string): Step {
  const [first = ''] = lines;
  const name = first.startsWith(comment) && first.endsWith(`.${language}`) ? first.slice(comment.length) : '';
  if (!/^[\w.-]+$/.test(name))
    throw new Error(`line ${line}: the first line must be the name of the file, as ${comment}gateway.${language}`);
  return { kind: 'file', line, name, text: `${lines.join('\n')}\n` };
}

function commandsOf({ line, lines }: Block): readonly Step[] {
  const steps: { readonly kind: 'command'; readonly line: number; command: string; readonly output: string[] }[] = [];
  for (const [i, text] of lines.entries()) {
    const current = steps.at(-1);
    if (current !== undefined && current.command.endsWith('\\') && current.output.length === 0) current.command += `\n${text}`;
    else if (text.startsWith('$ ')) steps.push({ kind: 'command', line: line + i, command: text.slice(2), output: [] });
    else if (current === undefined) throw new Error(`line ${line + i}: a block of console must begin with a command`);
    else current.output.push(text);
  }
  return steps;
}
