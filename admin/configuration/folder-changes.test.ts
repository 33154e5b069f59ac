// The look at the files of a folder: whatever another program has done before a request is known to it.
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FolderChanges } from './folder-changes.ts';

describe('the changes of a folder', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-changes-'));
  const inFolder = (name: string): string => path.join(folder, name);
  let changes = new FolderChanges(folder);
  beforeEach(() => {
    changes.close();
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(inFolder('a.yaml'), 'a');
    changes = new FolderChanges(folder);
  });
  afterAll(() => {
    changes.close();
    rmSync(folder, { recursive: true });
  });

  test('the first look is at all files, the next one at those that were written', async () => {
    expect(await changes.changed()).toBeNull();
    expect(await changes.changed()).toEqual(new Set());
    writeFileSync(inFolder('a.yaml'), 'b');
    writeFileSync(inFolder('.hidden'), 'b');
    expect(await changes.changed()).toEqual(new Set([inFolder('a.yaml')]));
    renameSync(inFolder('a.yaml'), inFolder('b.yaml'));
    expect(await changes.changed()).toEqual(new Set([inFolder('a.yaml'), inFolder('b.yaml')]));
  });

  test('files in folders that are new are known', async () => {
    await changes.changed();
    mkdirSync(inFolder('shop/cart'), { recursive: true });
    writeFileSync(inFolder('shop/cart/a.yaml'), 'a');
    expect(await changes.changed()).toBeNull();
    writeFileSync(inFolder('shop/cart/a.yaml'), 'b');
    expect(await changes.changed()).toEqual(new Set([inFolder('shop/cart/a.yaml')]));
    rmSync(inFolder('shop'), { recursive: true });
    expect(await changes.changed()).toBeNull();
  });

  test('behind links there are no events, so all files are looked at', async () => {
    symlinkSync('/etc/hostname', inFolder('c.yaml'));
    for (let i = 0; i < 3; i++) expect(await changes.changed()).toBeNull();
    rmSync(inFolder('c.yaml'));
    expect(await changes.changed()).toBeNull();
    expect(await changes.changed()).toEqual(new Set());
  });
});
