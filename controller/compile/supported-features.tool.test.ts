// The features that a GatewayClass declares are all features of the Gateway API release in use that concern gateways, by its own names.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { gatewayApiModule } from '../../test/cluster/build.ts';
import { describeWith } from '../../test/support/describe-with.ts';
import { Compiler } from './compile.ts';
import { CONTROLLER, gatewayClass, upsert } from './testdata/objects.ts';

/** The names in the package `features`; those of service meshes do not apply. */
function namesOfRelease(): readonly string[] {
  const folder = path.join(gatewayApiModule(), 'pkg', 'features');
  const sources = readdirSync(folder).filter((file) => file.endsWith('.go') && !file.endsWith('_test.go'));
  const text = sources.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
  const names = [...text.matchAll(/^\s*Support\w+(?: FeatureName)? += "(\w+)"/gm)].map(([, name = '']) => name);
  return names.filter((name) => !name.startsWith('Mesh')).sort();
}

function declared(): readonly string[] {
  const compiler = new Compiler({ controllerName: CONTROLLER, fleets: { byDefault: 'PerGateway', lacks: '' } });
  const [status] = compiler.apply([upsert(gatewayClass())]).statuses;
  if (status?.type !== 'GatewayClass') throw new Error('no status');
  return status.supportedFeatures;
}

describeWith(['go'], 'supportedFeatures', () => {
  test('are those of the release', () => {
    expect(declared()).toEqual(namesOfRelease());
  });
});
