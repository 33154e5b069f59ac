import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Change, SourceProblem } from './event.ts';
import { FileSource } from './files.ts';
import { readOnce } from './folder.ts';

let folder = '';
let source: FileSource;
let batches: (readonly Change[])[] = [];
let problems: readonly SourceProblem[] = [];
let reported = Promise.withResolvers<void>();

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-files-'));
  source = new FileSource(folder);
  batches = [];
  problems = [];
});

afterEach(async () => {
  await source.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  await source.start({
    changed: (changes) => {
      batches.push(changes);
      reported.resolve();
    },
    synced: () => undefined,
    problems: (all) => {
      problems = all;
      reported.resolve();
    },
  });
}

/** Changes the folder and waits for the report. */
async function after(change: () => void): Promise<void> {
  reported = Promise.withResolvers<void>();
  change();
  await reported.promise;
}

function write(file: string, ...documents: readonly string[]): void {
  writeFileSync(path.join(folder, file), documents.join('\n---\n'));
}

function backend(name: string, port: number | string = 80): string {
  return `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: ${name} }\nspec:\n  endpoints:\n    - ip: 10.0.0.1\n      port: ${port}`;
}

/** `+name@generation` for upserts, `-name` for deletions; implied namespaces are left out. */
function told(): string[][] {
  return batches.map((batch) =>
    batch.flatMap((change) => {
      if (change.type !== 'upsert') return change.ref.kind === 'Namespace' ? [] : [`-${change.ref.name}`];
      const { kind, metadata } = change.object;
      return kind === 'Namespace' ? [] : [`+${metadata.name}@${metadata.generation}`];
    }),
  );
}

describe('a ConfigMap with files', () => {
  const configMap = (files: string, data = ''): string =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: code\n  annotations: { gateway.weir.dev/files: ${JSON.stringify(files)} }\n${data}`;
  const latest = (): Record<string, unknown> => {
    const change = batches.flat().findLast((each) => each.type === 'upsert' && each.object.kind === 'ConfigMap');
    return (change?.type === 'upsert' ? change.object : {}) as unknown as Record<string, unknown>;
  };
  const bytes = Buffer.from([0, 0x61, 0x73, 0x6d, 0xff]);

  test('has them as entries, and changes with them', async () => {
    write('own.ts', 'one');
    writeFileSync(path.join(folder, 'own.wasm'), bytes);
    write('a.yaml', configMap('own.ts, own.wasm', 'data: { other: text }'));
    await start();
    expect(latest()).toMatchObject({ data: { 'own.ts': 'one', other: 'text' }, binaryData: { 'own.wasm': bytes.toString('base64') } });
    await after(() => write('own.ts', 'two'));
    expect(latest()).toMatchObject({ data: { 'own.ts': 'two' }, metadata: { generation: 2 } });
    expect((await readOnce([path.join(folder, 'a.yaml')])).objects).toContainEqual(
      expect.objectContaining({ data: { other: 'text', 'own.ts': 'two' } }),
    );
  });

  test('keeps its last entries while a file is away', async () => {
    write('own.ts', 'one');
    write('a.yaml', configMap('own.ts'));
    await start();
    await after(() => unlinkSync(path.join(folder, 'own.ts')));
    expect(problems).toEqual([
      expect.objectContaining({
        object: 'ConfigMap/default/code',
        reason: 'names own.ts, which does not exist',
        kept: ['ConfigMap/default/code'],
      }),
    ]);
    expect(told()).toEqual([['+code@1']]);
  });

  test.each([
    ['../secret', 'is no file in the folder of a.yaml'],
    ['/etc/passwd', 'is no file in the folder of a.yaml'],
    ['sub/own.ts', 'is no file in the folder of a.yaml'],
    ['link', 'which leads out of the folder'],
    ['none.ts', 'which does not exist'],
    ['..', 'which leads out of the folder'],
    ['.', 'which leads out of the folder'],
    ['other', 'which is an entry of its data already'],
    ['large', 'is larger than 4194304 bytes'],
  ])('cannot have %j', async (name, reason) => {
    symlinkSync('/etc/hostname', path.join(folder, 'link'));
    writeFileSync(path.join(folder, 'large'), Buffer.alloc(4_194_305));
    write('a.yaml', configMap(name, 'data: { other: text }'));
    await start();
    expect(problems).toEqual([
      expect.objectContaining({ field: 'metadata.annotations["gateway.weir.dev/files"]', reason: expect.stringContaining(reason) }),
    ]);
    expect(batches.flat()).not.toContainEqual(expect.objectContaining({ object: expect.objectContaining({ kind: 'ConfigMap' }) }));
  });
});

describe('an invalid policy that protects its targets', () => {
  const policy = (settings: string): string =>
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: SecurityPolicy\nmetadata: { name: p }\nspec:\n  targetRefs: [{ kind: HTTPRoute, name: a }]\n  ${settings}`;

  test('is reported without its settings while it was never valid', async () => {
    write('a.yaml', policy('ipAcces: {}'));
    write('b.yaml', backend('other'));
    await start();
    expect(told()).toEqual([['+other@1', '+p@1']]);
    const [change] = (batches[0] ?? []).filter((each) => each.type === 'upsert' && each.object.kind === 'SecurityPolicy');
    expect(JSON.stringify(change)).toContain('spec.ipAcces: is not a known field');
    expect(problems).toEqual([expect.objectContaining({ field: 'spec.ipAcces', object: 'SecurityPolicy/default/p' })]);
    expect(problems[0]?.kept).toBeUndefined();
    expect(source.content.objects.map(({ kind }) => kind)).not.toContain('SecurityPolicy');
    await after(() => write('a.yaml', policy('ipAccess: {}')));
    expect(told().at(-1)).toEqual(['+p@2']);
    // The valid version stays.
    await after(() => write('a.yaml', policy('ipAcces: {}')));
    expect(told()).toHaveLength(2);
    expect(problems[0]?.kept).toEqual(['SecurityPolicy/default/p']);
    await after(() => write('a.yaml', backend('one')));
    expect(told().at(-1)?.toSorted()).toEqual(['+one@1', '-p']);
  });
});

describe('a file that a program writes in steps', () => {
  test('keeps its objects while it is empty or half written for a moment', async () => {
    source = new FileSource(folder, { settledMs: 3_600_000 });
    write('a.yaml', backend('one'), backend('two'));
    await start();
    for (const half of [[], [backend('one')]]) {
      // The scan that reports the other file has read the half too.
      await after(() => {
        write('a.yaml', ...half);
        write('b.yaml', backend('other', 80 + half.length));
      });
      await after(() => write('a.yaml', backend('one', half.length === 0 ? 81 : 82), backend('two')));
    }
    expect(told().flat()).toEqual(['+one@1', '+two@1', '+other@1', '+one@2', '+other@2', '+one@3']);
  });

  test('loses objects that are still gone after that moment', async () => {
    write('a.yaml', backend('one'), backend('two'));
    await start();
    await after(() => write('a.yaml', backend('one')));
    expect(told().flat()).toEqual(['+one@1', '+two@1', '-two']);
  });

  test.each([
    ['keeps them for a second', 1, ['+one@1', '+other@1']],
    ['loses them after some seconds', 10, ['+one@1', '-one', '+other@1']],
  ])('without any objects %s', async (_, ageSeconds, expected) => {
    write('a.yaml', backend('one'));
    await start();
    await after(() => {
      write('a.yaml', '');
      const written = Date.now() / 1_000 - ageSeconds;
      utimesSync(path.join(folder, 'a.yaml'), written, written);
      write('b.yaml', backend('other'));
    });
    expect(told().flat().toSorted()).toEqual(expected.toSorted());
  });
});

describe('a folder', () => {
  test('is read completely: all documents and Lists, YAML and JSON, also in subfolders', async () => {
    write('a.yaml', backend('one'), '# nothing\n', backend('two'));
    mkdirSync(path.join(folder, 'below'));
    write('below/list.yml', `kind: BackendList\nitems:\n  - ${backend('three').replaceAll('\n', '\n    ')}`);
    const json = {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'Backend',
      metadata: { name: 'four' },
      spec: { endpoints: [{ ip: '::1', port: 1 }] },
    };
    write('c.json', JSON.stringify(json));
    write('notes.txt', 'not for us');
    write('.hidden.yaml', backend('hidden'));
    await start();
    expect(told()).toEqual([['+one@1', '+two@1', '+three@1', '+four@1']]);
    expect(problems).toEqual([]);
  });

  test('gives objects without a namespace `default`, and implied namespaces an object', async () => {
    write('a.yaml', backend('one'));
    await start();
    const objects = batches[0]?.map((change) => (change.type === 'upsert' ? change.object : null));
    expect(objects).toContainEqual(expect.objectContaining({ kind: 'Namespace', metadata: expect.objectContaining({ name: 'default' }) }));
    expect(objects).toContainEqual(expect.objectContaining({ metadata: expect.objectContaining({ name: 'one', namespace: 'default' }) }));
  });

  test('that does not exist is an error', async () => {
    source = new FileSource(path.join(folder, 'missing'));
    await expect(start()).rejects.toThrow('ENOENT');
  });
});

describe('changes', () => {
  test('of one save are one report, without unchanged objects', async () => {
    write('a.yaml', backend('one'), backend('two'), backend('three'));
    await start();
    await after(() => write('a.yaml', backend('one', 81), backend('two'), backend('four')));
    expect(told()[1]).toEqual(['+one@2', '+four@1', '-three']);
  });

  test('of several files at once are one report', async () => {
    write('a.yaml', backend('one'));
    await start();
    await after(() => {
      write('a.yaml', backend('one', 81));
      write('b.yaml', backend('two'));
    });
    expect(told()[1]).toEqual(['+one@2', '+two@1']);
  });

  test('an object that moves to another file is no change', async () => {
    write('a.yaml', backend('one'), backend('two'));
    await start();
    await after(() => {
      write('b.yaml', backend('two'), backend('three'));
      write('a.yaml', backend('one'));
    });
    expect(told()[1]).toEqual(['+three@1']);
  });

  test('a deleted file deletes its objects', async () => {
    write('a.yaml', backend('one'));
    write('b.yaml', backend('two'));
    await start();
    await after(() => unlinkSync(path.join(folder, 'b.yaml')));
    expect(told()[1]).toEqual(['-two']);
  });

  test('a link that is swapped, as a kubelet does for a mounted ConfigMap', async () => {
    for (const [version, port] of [
      ['..v1', 80],
      ['..v2', 81],
    ] as const) {
      mkdirSync(path.join(folder, version));
      write(path.join(version, 'a.yaml'), backend('one', port));
    }
    symlinkSync('..v1', path.join(folder, '..data'));
    symlinkSync('..data/a.yaml', path.join(folder, 'a.yaml'));
    await start();
    await after(() => {
      symlinkSync('..v2', path.join(folder, '..data_tmp'));
      renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
    });
    expect(told()).toEqual([['+one@1'], ['+one@2']]);
  });
});

describe('mistakes', () => {
  test('are reported with file, line, object, field and reason; other objects are served', async () => {
    write('a.yaml', backend('one'), backend('two', 99999));
    await start();
    expect(told()).toEqual([['+one@1']]);
    expect(problems).toEqual([
      {
        severity: 'error',
        file: path.join(folder, 'a.yaml'),
        line: 15,
        object: 'Backend/default/two',
        field: 'spec.endpoints[0].port',
        reason: expect.stringContaining('65535'),
      },
    ]);
  });

  test('keep the last good version of an object in use, until it is corrected or deleted', async () => {
    write('a.yaml', backend('one'), backend('two'));
    await start();
    await after(() => write('a.yaml', backend('one', 'x')));
    expect(told()[1]).toEqual(['-two']);
    await after(() => write('a.yaml', backend('one', 82)));
    expect(told()[2]).toEqual(['+one@2']);
    await after(() => write('a.yaml', ''));
    expect(told()[3]).toEqual(['-one']);
  });

  test('in the YAML syntax keep all objects of the file as they were', async () => {
    write('a.yaml', backend('one'), backend('two'));
    await start();
    await after(() => write('a.yaml', backend('one', 81), 'kind: [\n'));
    expect(told()).toHaveLength(1);
    expect(problems).toEqual([expect.objectContaining({ file: path.join(folder, 'a.yaml'), object: '', field: '' })]);
  });

  test.each(['a: &a [*a]\n', 'apiVersion: gateway.weir.dev/v1alpha1\n', 'replicas: 3\n'])(
    'that turn an object into %j keep it',
    async (text) => {
      write('a.yaml', backend('one'), backend('two'));
      await start();
      await after(() => write('a.yaml', backend('one'), text));
      expect(told()).toHaveLength(1);
      expect(problems.at(-1)).toMatchObject({ file: path.join(folder, 'a.yaml'), kept: ['Backend/default/one', 'Backend/default/two'] });
      await after(() => write('a.yaml', backend('two')));
      expect(told()[1]).toEqual(['-one']);
    },
  );

  test('of an object defined twice the first file wins; the problem of the second names the first', async () => {
    write('a.yaml', backend('one'));
    write('b.yaml', backend('one', 81));
    await start();
    expect(told()).toEqual([['+one@1']]);
    expect(problems[0]?.reason).toBe(`is already defined in ${path.join(folder, 'a.yaml')}:1, which is used`);
  });

  test.each([
    ['an unknown kind', 'apiVersion: v1\nkind: Pods\nmetadata: { name: x }', 'v1 Pods is not a kind that Weir reads'],
    ['no kind', 'apiVersion: v1\nmetadata: { name: x }', 'is required'],
    ['a scalar', 'just text', 'must be an object'],
    ['a mapping with a key twice', 'a: 1\na: 2', 'the key a stands twice in one map'],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
        .split('')
        .map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}]`)
        .join('\n')}`,
      'alias',
    ],
  ])('%s', async (_, text, reason) => {
    write('a.yaml', text);
    write('b.yaml', backend('one'));
    await start();
    expect(told()).toEqual([['+one@1']]);
    expect(problems.map((problem) => problem.reason).join()).toContain(reason);
  });

  test('a file above the size limit is not read', async () => {
    write('a.yaml', `# ${'x'.repeat(4 * 1_024 * 1_024)}\n${backend('one')}`);
    await start();
    expect(problems[0]?.reason).toBe('is larger than 4194304 bytes');
  });
});

test('reading once gives the position of each object', async () => {
  write('a.yaml', backend('one'), backend('two'));
  const { objects, places } = await readOnce([path.join(folder, 'a.yaml')]);
  expect(objects.map(({ metadata }) => metadata.name)).toEqual(['one', 'two', 'default']);
  expect(places.get('Backend/default/two')).toMatchObject({ file: path.join(folder, 'a.yaml'), line: 9 });
});

describe('a folder', () => {
  test('that is deleted is a problem, changes nothing, and is watched again once it is back', async () => {
    write('a.yaml', backend('one'));
    await start();
    await after(() => renameSync(folder, `${folder}.moved`));
    expect(problems).toMatchObject([{ file: folder, reason: expect.stringContaining('ENOENT') }]);
    expect(told()).toEqual([['+one@1']]);
    await after(() => renameSync(`${folder}.moved`, folder));
    expect(problems).toEqual([]);
    await after(() => write('a.yaml', backend('one', 81)));
    expect(told().at(-1)).toEqual(['+one@2']);
  });
});
