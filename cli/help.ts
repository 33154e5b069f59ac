// `weir help` and `weir COMMAND --help`: every command, and every flag with its default, unit and environment variable.
import { variableOf } from '#lib/flags.ts';
import type { Flag, FlagGroup } from '#lib/flags.ts';
import type { Command } from './command.ts';

/** The explanation of each unit that flags use. */
const UNITS: readonly (readonly [value: string, text: string])[] = [
  ['TIME', 'a duration, each number with its unit: 10s, 1m30s, 250ms; 0 needs no unit'],
  ['BYTES', 'a size in bytes: 65536, 64Ki, 10M'],
];

/** Whether the arguments contain `-h` or `--help`. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).some((arg) => arg === '-h' || arg === '--help');
}

/** The command line in one line. */
export function usageOf({ name, arguments: words, flags }: Command): string {
  const hasFlags = flags.some((group) => Object.keys(group.flags).length > 0);
  return ['weir', name, words, hasFlags ? '[FLAGS]' : ''].filter((part) => part !== '').join(' ');
}

/** The output of `weir help`. */
export function overview(commands: readonly Command[]): string {
  return [
    'Weir, a Kubernetes-native API gateway',
    '',
    'usage: weir COMMAND',
    '',
    ...commands.flatMap((command) => [`  ${usageOf(command)}`, `      ${command.summary}`]),
    '',
    '`weir COMMAND --help` lists every flag of a command.',
  ].join('\n');
}

/** The output of `weir COMMAND --help`. */
export function helpOf(command: Command): string {
  const values = command.flags.flatMap(({ flags }) => Object.values(flags).map(({ value }) => value));
  const units = UNITS.filter(([unit]) => values.includes(unit)).map(([unit, text]) => `${unit} is ${text}.`);
  const environment = command.readsEnvironment ? ['A flag takes precedence over its environment variable.'] : [];
  return [
    `usage: ${usageOf(command)}`,
    '',
    command.summary,
    ...command.flags.flatMap((group) => groupText(group, command.readsEnvironment)),
    ...headed('Help', ['  -h, --help', '      Print this text.']),
    ...(units.length + environment.length > 0 ? ['', ...units, ...environment] : []),
  ].join('\n');
}

function groupText({ title, flags }: FlagGroup, readsEnvironment: boolean): readonly string[] {
  const lines = Object.entries(flags).flatMap(([name, flag]) => flagText(name, flag, readsEnvironment));
  return lines.length === 0 ? [] : headed(title, lines);
}

function headed(title: string, lines: readonly string[]): readonly string[] {
  return ['', ...(title === '' ? [] : [`${title}:`]), ...lines];
}

function flagText(name: string, flag: Flag, readsEnvironment: boolean): readonly string[] {
  const facts = [
    sentence(flag.text),
    ...(flag.multiple === true ? ['May be given several times.'] : []),
    ...(defaultOf(flag) === '' ? [] : [`Default: ${defaultOf(flag)}.`]),
    ...(readsEnvironment ? [`Environment: ${variableOf(name)}.`] : []),
  ];
  return [`  ${spellingOf(name, flag)}`, `      ${facts.join(' ')}`];
}

/** `-X, --method METHOD`. */
export function spellingOf(name: string, { short, value }: Flag): string {
  return [short === undefined ? '' : `-${short}, `, `--${name}`, value === '' ? '' : ` ${value}`].join('');
}

/** The default as the help shows it; '' for a switch. */
export function defaultOf({ value, default: fallback }: Flag): string {
  return value === '' ? '' : fallback;
}

/** Adds a capital and a full stop. */
export function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
