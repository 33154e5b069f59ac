// Paths with parameters: `/users/{user}`.
import type { AdminOperation } from './operation.ts';

/** The operations of any method whose path has this form. */
export function routesMatching(operations: readonly AdminOperation[], path: string): readonly AdminOperation[] {
  const segments = path.split('/');
  return operations.filter((operation) => {
    const pattern = operation.path.split('/');
    return pattern.length === segments.length && pattern.every((each, index) => each.startsWith('{') || each === segments[index]);
  });
}

/** The names of the parameters of a path. */
export function parametersOf(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}
