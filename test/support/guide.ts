// Guides as tests: every manifest in docs/guides is saved and every command is typed, as a reader would, and what comes must be what
// the page shows.
//
// A block of `yaml` or `proto` begins with a comment that is the name of its file. A block of `console` holds commands behind `$ ` (a line that
// ends with `\` goes on), each with what it prints below it: exactly that, but for `...`, which stands for anything, within a line or
// as a line of its own. Output whose last line is `...` is that of a command that does not end: it goes on in a terminal of its own.
import { afterAll, beforeAll, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWith } from './describe-with.ts';
import type { RequirementName } from './requirements.ts';
import { Terminal } from './terminal.ts';
import type { Network } from './terminal.ts';

const GUIDES = path.resolve(import.meta.dirname, '..', '..', 'docs', 'guides');
/** What is saved is live in a moment, readers type slowly, and machines of tests are slower still. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 50;

/** One thing that a reader does; `line`: where the page says so. */
export type Step =
  | { readonly kind: 'file'; readonly line: number; readonly name: string; readonly text: string }
  | { readonly kind: 'command'; readonly line: number; readonly command: string; readonly output: readonly string[] };

/** What a guide needs beside the machine. */
export interface GuideOptions {
  /** More variables for its commands; asked for when the first is run. */
  readonly env?: () => NodeJS.ProcessEnv;
  /** Names in the checkout that the reader has before them too: `charts`. */
  readonly checkout?: readonly string[];
  /** `own`, where every port is free, or that of the machine, as for what a test cluster runs; `own` by default. */
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

/** Does what the step says; rejects when what comes is not what the page shows. */
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

/** What output has to look like. */
export function patternOf(output: readonly string[]): RegExp {
  const lines = output.map((line) => (line === '...' ? '(?:.*\\n)*' : `${line.split('...').map(literally).join('.*')}\\n`));
  return new RegExp(`^${lines.join('')}$`);
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The steps of a page. Throws for a block that nobody could follow. */
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
]);

interface Block {
  readonly language: string;
  /** Of its first line within, from 1. */
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
