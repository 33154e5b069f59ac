// A real rsyslog that takes messages by TLS and writes their parts to a file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { IssuedFiles } from './certificates.ts';
import { closeLater } from './fixture.ts';
import { until } from './until.ts';

const PARTS = '%pri%|%protocol-version%|%app-name%|%msgid%|%msg%';

export class Rsyslog {
  readonly port: number;
  readonly #file: string;

  private constructor(port: number, file: string) {
    this.port = port;
    this.#file = file;
  }

  /** Starts a server with this certificate at a free port. */
  static async start({ ca, certificate, privateKey }: IssuedFiles): Promise<Rsyslog> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-rsyslog-'));
    const [config, out, portFile] = ['rsyslog.conf', 'out', 'port'].map((name) => path.join(folder, name)) as [string, string, string];
    writeFileSync(
      config,
      [
        `global(workDirectory="${folder}" maxMessageSize="64k" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="${ca}"`,
        `  defaultNetstreamDriverCertFile="${certificate}" defaultNetstreamDriverKeyFile="${privateKey}")`,
        'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")',
        `input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="${portFile}")`,
        `template(name="parts" type="string" string="${PARTS}\\n")`,
        `action(type="omfile" file="${out}" template="parts" asyncWriting="off")`,
      ].join('\n'),
    );
    const args = ['--pdeathsig', 'KILL', 'rsyslogd', '-n', '-f', config, '-i', path.join(folder, 'pid')];
    const server = spawn('setpriv', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    closeLater(async () => {
      server.kill('SIGKILL');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    });
    const portOf = (): number => (existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0);
    await until(() => server.exitCode !== null || portOf() > 0, 'rsyslog listens');
    if (server.exitCode !== null) throw new Error('rsyslogd ended');
    return new Rsyslog(portOf(), out);
  }

  /** What the server has written, a line per message. */
  get lines(): readonly string[] {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8').trim().split('\n') : [];
  }
}
