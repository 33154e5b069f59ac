// The receiver of an answer that no client gets: it takes everything, at any speed.
import type { DownstreamStream } from './stream.ts';
import type { Exchange } from './exchange.ts';

export abstract class NoClient implements DownstreamStream {
  writeInformational(): void {}

  writeHead(): void {}

  writeData(): boolean {
    return true;
  }

  abstract end(exchange: Exchange): void;

  abstract abort(exchange: Exchange): void;

  lag(): number {
    return 0;
  }

  pauseRequest(): void {}

  resumeRequest(): void {}

  startTunnel(): void {}
}
