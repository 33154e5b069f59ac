// Conditions on the normalised path of a request: the path itself, a prefix of segments, or a template.
import { normalisePath } from '../match/normalise.ts';

/** A condition as its author writes it. */
export interface PathSettings {
  readonly type?: 'Exact' | 'Prefix' | 'Template';
  readonly value?: string;
}

/** A condition on a normalised path. */
export type PathTest = (path: string) => boolean;

/** Compiles a condition. */
export function pathTest({ type = 'Prefix', value = '/' }: PathSettings): PathTest {
  if (type === 'Template') return template(value);
  const normal = normalisePath(value) ?? value;
  if (type === 'Exact') return (path) => path === normal;
  const prefix = normal.endsWith('/') ? normal.slice(0, -1) : normal;
  return (path) => path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH);
}

const SLASH = 0x2f;

/** Compares segment by segment. A `{name}` needs at least one character; `**` takes the rest, also none. */
function template(value: string): PathTest {
  const segments = value.split('/').slice(1);
  const isOpen = segments.at(-1) === '**';
  const parts = (isOpen ? segments.slice(0, -1) : segments).map((segment) =>
    segment.startsWith('{') ? null : (normalisePath(`/${segment}`) ?? `/${segment}`).slice(1),
  );
  return (path) => {
    let start = 1;
    for (const part of parts) {
      if (start > path.length) return false;
      const slash = path.indexOf('/', start);
      const end = slash === -1 ? path.length : slash;
      if (part === null ? end === start : !isPart(path, start, end, part)) return false;
      start = end + 1;
    }
    return isOpen || start > path.length;
  };
}

function isPart(path: string, start: number, end: number, part: string): boolean {
  return end - start === part.length && path.startsWith(part, start);
}
