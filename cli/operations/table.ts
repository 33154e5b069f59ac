// Prints tables in the form of kubectl.

/** Lines of a table: columns in capitals, as wide as their longest cell. */
export function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map((column) => column.toUpperCase()), ...rows.map((row) => row.map((text) => printable(text) || '-'))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('   '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** A text in one line, without characters that control a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}
