// Questions to the user on a terminal. Answers that are secrets are not shown, and not on any command line.
import readline from 'node:readline/promises';
import { UsageError } from '../command.ts';

/** Whether there is a terminal to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks for a text. `instead`: what to give without a terminal. Throws a UsageError without one. */
export async function ask(question: string, instead: string): Promise<string> {
  assertTerminal(question, instead);
  const lines = readline.createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question}: `).finally(() => lines.close());
  return answer.trim();
}

/** Asks for a secret, without showing it. Throws a UsageError without a terminal, and when the user gives up. */
export async function askSecret(question: string, instead: string): Promise<string> {
  assertTerminal(question, instead);
  const { stdin, stderr } = process;
  // The terminal would show what is typed between the question and this.
  stdin.setRawMode(true);
  stderr.write(`${question}: `);
  try {
    return await typedLine(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function assertTerminal(question: string, instead: string): void {
  if (!canAsk()) throw new UsageError(`there is no terminal to ask for the ${question.toLowerCase()}; give ${instead}`);
}

const CONTROL_C = '\u0003';
const CONTROL_D = '\u0004';
const CONTROL_U = '\u0015';
const ERASERS: readonly string[] = ['\u0008', '\u007f'];

function typedLine(stdin: NodeJS.ReadStream): Promise<string> {
  let typed: readonly string[] = [];
  stdin.setEncoding('utf8').resume();
  return new Promise((resolve, reject) => {
    const take = (data: string): void => {
      for (const character of data) {
        if (character === CONTROL_C || character === CONTROL_D) return end(() => reject(new UsageError('given up')));
        if (character === '\r' || character === '\n') return end(() => resolve(typed.join('')));
        typed = afterKey(typed, character);
      }
    };
    const end = (settle: () => void): void => {
      stdin.off('data', take);
      settle();
    };
    stdin.on('data', take);
  });
}

function afterKey(typed: readonly string[], character: string): readonly string[] {
  if (character === CONTROL_U) return [];
  return ERASERS.includes(character) ? typed.slice(0, -1) : [...typed, character];
}
