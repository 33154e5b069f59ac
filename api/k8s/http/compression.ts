// The group `compression` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, choices, group, size } from '../setting.ts';

/** A media type, or a range of them: `text/html`, `text/*`, `application/*+json`. */
const MEDIA_RANGE = '^[A-Za-z0-9!#$&^_.-]+/(\\*(\\+[A-Za-z0-9!#$&^_.-]+)?|[A-Za-z0-9!#$&^_.+-]+)$';

export const compression = group('Compresses the bodies of answers for clients that accept it (RFC 9110 section 12.5.3).', {
  mode: choice('Disabled: answers pass as the backend sends them. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
  codings: choices('The content codings, in the order of preference. A client that prefers one of them gets that one.', [
    'zstd',
    'br',
    'gzip',
  ]),
  level: choice('The effort: Fast needs the least CPU, Small makes the smallest bodies.', ['Fast', 'Balanced', 'Small']),
  minSize: size('Shorter bodies are not compressed. Bodies without an announced length are.', { minimum: 0 }),
  types: Type.Optional(
    Type.Array(
      Type.String({ maxLength: 128, pattern: MEDIA_RANGE, '~must': 'a media type like text/html, text/* or application/*+json' }),
      { minItems: 1, maxItems: 64, description: 'The media types of bodies that are compressed.' },
    ),
  ),
  crossOrigin: choice(
    'Answers to requests of other origins that have credentials or set cookies. Plain: they are not compressed, because the length of a compressed answer can tell a secret in it (BREACH). Compressed: they are.',
    ['Plain', 'Compressed'],
  ),
});
