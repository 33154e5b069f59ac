// Writes the tables of flags in docs/reference. A table stands between two comments:
//
//     <!-- flags of weir up: Folder, Serving -->      (without titles: all groups)
//     <!-- end of flags -->
//
// `npm run reference` runs this.
import type { Flag } from '#lib/flags.ts';
import type { Command } from './command.ts';
import { defaultOf, sentence, spellingOf, usageOf } from './help.ts';

const PART = /^<!-- (flags|usage) of weir (\w+)(?:: ([^\n]*))? -->\n[^]*?^<!-- end of \1 -->$/gm;

/** The page with new tables. Throws if a command or a group does not exist. */
export function withFlags(page: string, commands: readonly Command[]): string {
  return page.replaceAll(PART, (_, what: string, name: string, titles: string | undefined) => {
    const command = commands.find((each) => each.name === name);
    if (command === undefined) throw new Error(`no command ${name}`);
    const text = what === 'usage' ? `    ${usageOf(command)}\n` : tableOf(command, titles?.split(', '));
    return `<!-- ${what} of weir ${name}${titles === undefined ? '' : `: ${titles}`} -->\n\n${text}\n<!-- end of ${what} -->`;
  });
}

function tableOf(command: Command, titles: readonly string[] | undefined): string {
  const unknown = titles?.find((title) => !command.flags.some((group) => group.title === title));
  if (unknown !== undefined) throw new Error(`weir ${command.name} has no flags of ${unknown}`);
  const groups = command.flags.filter(({ title }) => titles === undefined || titles.includes(title));
  const rows = groups.flatMap(({ flags }) => Object.entries(flags)).map(([name, flag]) => rowOf(name, flag));
  return ['| Flag | Default | Meaning |', '| --- | --- | --- |', ...rows].join('\n').concat('\n');
}

function rowOf(name: string, flag: Flag): string {
  const fallback = defaultOf(flag);
  const several = flag.multiple === true ? ' May be given several times.' : '';
  const see = flag.see === undefined ? '' : ` See [${flag.see.split('#')[0] ?? ''}](${flag.see}).`;
  const cells = [code(spellingOf(name, flag)), fallback === '' ? '' : code(fallback), `${sentence(flag.text)}${several}${see}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
