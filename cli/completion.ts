// `weir completion SHELL`: writes a script from the tables of flags. The script completes commands, flags and their values.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { Flag } from '#lib/flags.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const SCRIPTS: Readonly<Record<string, (commands: readonly Command[]) => string>> = { bash, zsh, fish };

export const completion: Command = {
  name: 'completion',
  arguments: 'bash|zsh|fish',
  summary: 'Prints a script that completes commands and flags: source <(weir completion bash)',
  flags: [],
  readsEnvironment: false,
  async run(args, all) {
    const [shell = '', ...rest] = new FlagValues(args, {}, {}, true).positionals;
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined || rest.length > 0) throw new UsageError('weir completion takes one shell: bash, zsh or fish');
    console.log(script(await all()));
    return 0;
  },
};

/** A flag of a command and the completions of its value. */
interface Completed {
  readonly name: string;
  readonly flag: Flag;
  readonly words: readonly string[];
  readonly isFile: boolean;
}

/** `off|stdout|FILE` completes to two words and to files. */
function completedFlags({ flags }: Command): readonly Completed[] {
  return Object.entries(flagsOf(flags)).map(([name, flag]) => {
    const parts = flag.value.split('|');
    const words = flag.words ?? parts.filter((part) => /^[a-z]+$/.test(part));
    return { name, flag, words, isFile: parts.some((part) => part === 'FILE' || part === 'DIR') };
  });
}

/** The completions of an argument that is not a flag. */
function argumentsOf(command: Command): Pick<Completed, 'words' | 'isFile'> {
  const [first = ''] = command.arguments.split(' ');
  const words = /^[a-z|-]+$/.test(first) ? first.split('|') : [];
  return { words, isFile: /FILE|DIR/.test(command.arguments) };
}

function bash(commands: readonly Command[]): string {
  const names = ['help', ...commands.map(({ name }) => name)].join(' ');
  const compgen = ({ words, isFile }: Pick<Completed, 'words' | 'isFile'>): string => {
    const options = [...(words.length > 0 ? [`-W '${words.join(' ')}'`] : []), ...(isFile ? ['-f'] : [])];
    return options.length === 0 ? 'COMPREPLY=()' : `COMPREPLY=($(compgen ${options.join(' ')} -- "$cur"))`;
  };
  const values = commands.flatMap((command) =>
    completedFlags(command)
      .filter(({ flag }) => flag.value !== '')
      .map((each) => `    '${command.name} --${each.name}') ${compgen(each)}; return ;;`),
  );
  const flags = commands.map((command) => {
    const all = [...completedFlags(command).map(({ name }) => `--${name}`), '--help'].join(' ');
    return `    ${command.name}) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '${all}' -- "$cur")); else ${compgen(argumentsOf(command))}; fi ;;`;
  });
  return [
    '# bash completion of weir: source <(weir completion bash)',
    '_weir() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}',
    '  COMPREPLY=()',
    `  if [[ $COMP_CWORD -eq 1 ]]; then COMPREPLY=($(compgen -W '${names}' -- "$cur")); return; fi`,
    '  case "$command $prev" in',
    ...values,
    '  esac',
    '  case "$command" in',
    `    help) COMPREPLY=($(compgen -W '${names}' -- "$cur")) ;;`,
    ...flags,
    '  esac',
    '}',
    'complete -o filenames -F _weir weir',
  ].join('\n');
}

function zsh(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map((command) => {
    const specs = completedFlags(command).map(({ name, flag, words, isFile }) => {
      const action = zshAction({ words, isFile });
      const value = flag.value === '' ? '' : `:${zshText(flag.value)}:${action}`;
      return quoted(`${flag.multiple === true ? '*' : ''}--${name}[${zshText(flag.text)}]${value}`);
    });
    const rest = quoted(`*:${zshText(command.arguments)}:${zshAction(argumentsOf(command))}`);
    return [`    ${command.name})`, `      _arguments ${[...specs, quoted('--help[print help]'), rest].join(' \\\n        ')} ;;`].join(
      '\n',
    );
  });
  return [
    '#compdef weir',
    '# zsh completion of weir: source <(weir completion zsh)',
    '_weir() {',
    '  local -a commands',
    '  commands=(',
    ...described,
    "    'help:Prints every command'",
    '  )',
    "  if (( CURRENT == 2 )); then _describe 'command' commands; return; fi",
    '  local command=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...cases,
    '  esac',
    '}',
    'compdef _weir weir',
  ].join('\n');
}

function zshAction({ words, isFile }: Pick<Completed, 'words' | 'isFile'>): string {
  if (isFile) return '_files';
  return words.length > 0 ? `(${words.join(' ')})` : ' ';
}

/** Escapes brackets and colons, which are syntax of `_arguments`. */
function zshText(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, '\\$&');
}

function fish(commands: readonly Command[]): string {
  const names = ['help', ...commands.map(({ name }) => name)];
  const isFirst = quoted('__fish_is_nth_token 1');
  const ofCommands = commands.flatMap((command) => {
    const here = `complete -c weir -n ${quoted(`__fish_seen_subcommand_from ${command.name}`)}`;
    const { words, isFile } = argumentsOf(command);
    return [
      `complete -c weir -n ${isFirst} -a ${command.name} -d ${quoted(command.summary)}`,
      ...completedFlags(command).map((each) => `${here} ${fishFlag(each)}`),
      `${here} -l help -s h -d 'print help'`,
      ...(words.length > 0 ? [`${here} -a ${quoted(words.join(' '))}`] : []),
      ...(isFile ? [`${here} -F`] : []),
    ];
  });
  return [
    '# fish completion of weir: weir completion fish | source',
    'complete -c weir -f',
    ...ofCommands,
    `complete -c weir -n ${isFirst} -a help -d 'Prints every command'`,
    `complete -c weir -n '__fish_seen_subcommand_from help' -a ${quoted(names.join(' '))}`,
  ].join('\n');
}

function fishFlag({ name, flag, words, isFile }: Completed): string {
  const parts = [
    `-l ${name}`,
    ...(flag.short === undefined ? [] : [`-s ${flag.short}`]),
    ...(flag.value === '' ? [] : [isFile ? '-r' : '-x']),
    ...(words.length > 0 ? [`-a ${quoted(words.join(' '))}`] : []),
    ...(isFile ? ['-F'] : []),
    `-d ${quoted(flag.text)}`,
  ];
  return parts.join(' ');
}

/** Puts a text in single quotes. POSIX shells and fish escape a quote differently, so a typographic one replaces it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}
