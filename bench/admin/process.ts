// The process that `npm run bench -- admin` measures: the admin API on a store and a folder, without proxies. It prints its address and its
// first password as a line of JSON.
import { createLog } from '#lib/log.ts';
import { readConfig } from '../../admin/config.ts';
import { AdminPart } from '../../admin/part.ts';
import { FolderStore } from '../../admin/configuration/folder-store.ts';
import { LocalController } from '../../admin/live/local-controller.ts';

const [file = '', folder = ''] = process.argv.slice(2);
let password = '';
const flags = { 'admin-api-address': '127.0.0.1:0', 'admin-store': file, 'admin-audit-max-entries': '10000000' };
const rates = { 'admin-api-address-rate': '100000', 'admin-api-caller-rate': '100000' };
const config = readConfig(
  Object.entries({ ...flags, ...rates }).flatMap(([name, value]) => [`--${name}`, value]),
  {},
);
if (!config.ok) throw new Error(config.error);
const part = new AdminPart({
  settings: config.value,
  configuration: new FolderStore(folder, { controllerName: 'gateway.weir.dev/controller' }),
  ...{ git: null, cluster: null, reviewer: null },
  live: new LocalController(() => null),
  log: createLog('warn'),
  showPassword: (_, shown) => (password = shown),
});
const started = await part.start();
if (!started.ok) throw new Error(started.error);
console.log(JSON.stringify({ url: started.value, password }));
process.once('SIGTERM', () => void part.stop());
