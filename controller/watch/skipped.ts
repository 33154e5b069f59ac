// Describes the documents of a folder that are not for Weir.

/** Maximum number of kinds named. */
const MAX_NAMED = 8;

/** `skipped 7 objects of kinds that Weir does not read: 5 Deployment, 2 Ingress`; '' if none were skipped. A kind '' means no object. */
export function describeSkipped(kinds: readonly string[]): string {
  const counts = [...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => ({ kind, count: all.length }));
  const objects = counts.filter(({ kind }) => kind !== '').sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1));
  const named = objects.slice(0, MAX_NAMED).map(({ kind, count }) => `${count} ${kind}`);
  const more = objects.length - named.length;
  const list = [...named, ...(more > 0 ? [`${more} more kinds`] : [])].join(', ');
  const total = objects.reduce((sum, { count }) => sum + count, 0);
  const rest = kinds.length - total;
  const parts = [
    ...(total > 0 ? [`${counted(total, 'object')} of kinds that Weir does not read: ${list}`] : []),
    ...(rest > 0 ? [`${counted(rest, 'document')} without a Kubernetes object`] : []),
  ];
  return parts.length === 0 ? '' : `skipped ${parts.join('; and ')}`;
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
