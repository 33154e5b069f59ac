// The rules of Secrets that an API server checks beyond the schema, for Secrets that come from files.
import type { Secret } from './core.ts';
import type { FieldError } from './field-error.ts';

const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

/** Every rule the Secret breaks. */
export function checkSecret({ data }: Secret): FieldError[] {
  return Object.entries(data).flatMap(([name, value]) => {
    const isEncoded = BASE64.test(value) && value.replaceAll(/\s/g, '').length % 4 === 0;
    return isEncoded ? [] : [{ field: `data[${name}]`, reason: 'must be base64; put plain text into stringData' }];
  });
}
