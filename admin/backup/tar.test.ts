// Archives that attack the reader, and those that are cut, changed or padded.
import { expect, test } from '@jest/globals';
import { gunzipSync, gzipSync } from 'node:zlib';
import { packed, packedAtOnce, unpacked, type Member } from './tar.ts';

const member = (name: string, text = 'x'): Member => ({ name, bytes: Buffer.from(text) });

async function read(archive: Uint8Array, maxBytes?: number): Promise<readonly string[] | string> {
  const found: string[] = [];
  try {
    for await (const { name, bytes } of unpacked(archive, maxBytes)) found.push(`${name} ${bytes.length}`);
    return found;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The tar of one member, with bytes changed and the checksum made right again. */
function forged(change: (header: Buffer) => void, text = 'x'): Buffer {
  const tar = gunzipSync(packedAtOnce([member('manifest.json', text)]));
  const header = tar.subarray(0, 512);
  change(header);
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return gzipSync(tar);
}

test('members come back as they were, in their order', async () => {
  const members = [
    member('configuration/000001.jsonl', 'a'.repeat(1_000)),
    member('store/weir_admin_users/000001.jsonl', ''),
    member('manifest.json'),
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of packed(members)) chunks.push(chunk);
  const expected = ['configuration/000001.jsonl 1000', 'store/weir_admin_users/000001.jsonl 0', 'manifest.json 1'];
  expect(await read(Buffer.concat(chunks))).toEqual(expected);
  expect(await read(packedAtOnce(members))).toEqual(expected);
});

const named = (name: string) => forged((header) => void header.fill(0, 0, 100).write(name));
const attacks: readonly (readonly [string, Uint8Array, string])[] = [
  ['a path out of the folder', named('../../etc/passwd.json'), 'a member that no backup has'],
  ['an absolute path', named('/etc/passwd.json'), 'a member that no backup has'],
  ['a path with a hidden part', named('store/../../x.json'), 'a member that no backup has'],
  ['a backslash', named('store\\..\\x.json'), 'a member that no backup has'],
  ['a symbolic link', forged((header) => void header.write('2', 156)), 'a member that no backup has'],
  ['a hard link', forged((header) => void header.write('1', 156)), 'a member that no backup has'],
  ['a long name of GNU tar', forged((header) => void header.write('L', 156)), 'a member that no backup has'],
  ['a member that is too large', forged((header) => void header.write('77777777777', 124)), 'is larger than'],
  ['a negative size', forged((header) => void header.write('-0000000001', 124)), 'is larger than'],
  ['a size in base 256', forged((header) => void header.fill(0xff, 124, 136)), 'is larger than'],
  ['a member twice', packedAtOnce([member('manifest.json'), member('manifest.json')]), 'has manifest.json twice'],
  ['a wrong checksum', gzipSync(gunzipSync(packedAtOnce([member('manifest.json')])).fill('9', 0, 1)), 'a header is wrong'],
  ['no end', gzipSync(gunzipSync(packedAtOnce([member('manifest.json')])).subarray(0, 600)), 'ends too early'],
  ['more behind the end', gzipSync(Buffer.concat([gunzipSync(packedAtOnce([])), Buffer.from('more')])), 'goes on after its end'],
  ['a cut gzip', packedAtOnce([member('manifest.json', 'abc')]).subarray(0, -9), 'not a whole gzip file'],
  ['no gzip', Buffer.from('PK\u0003\u0004'), 'not a whole gzip file'],
  ['nothing', Buffer.alloc(0), 'the archive'],
];

test.each(attacks)('%s is refused', async (_, archive, reason) => {
  expect(await read(archive)).toEqual(expect.stringContaining(reason));
});

test('a bomb is given up at the limit, not in memory', async () => {
  const start = gzipSync(gunzipSync(packedAtOnce([member('manifest.json')])).subarray(0, 1_024));
  const zeros = gzipSync(Buffer.alloc(1_048_576));
  const bomb = Buffer.concat([start, ...Array.from({ length: 64 }, () => zeros)]);
  expect(bomb.length).toBeLessThan(100_000);
  expect(await read(bomb, 4 * 1_048_576)).toBe('the archive unpacks to more than 4194304 bytes');
});
