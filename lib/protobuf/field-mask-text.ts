// `FieldMask` as text: paths in lowerCamelCase with commas between them. The paths must survive the way back.
import { ProtobufFault } from './fault.ts';

const PATH = /^[A-Za-z0-9_.]*$/;
/** A letter after each underscore, and no upper case: others change on the way back. */
const SNAKE = /^(?:[a-z0-9.]|_[a-z])*$/;

export function readFieldMask(text: string): string[] {
  if (text === '') return [];
  return text.split(',').map((path) => {
    if (path === '' || !PATH.test(path) || path.includes('_')) throw new ProtobufFault('a FieldMask has an invalid path');
    return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  });
}

export function writeFieldMask(paths: readonly string[]): string {
  for (const path of paths) if (!SNAKE.test(path)) throw new ProtobufFault('a FieldMask has a path that JSON cannot hold');
  return paths.map((path) => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())).join(',');
}
