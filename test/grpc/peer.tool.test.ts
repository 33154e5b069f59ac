// Health checks, reflection and compression with grpc-go: the output through Weir equals the output without.
import { expect, test } from '@jest/globals';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, closeLater, openProxy } from '../support/fixture.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { askPeer, GRPC_PEER, PeerServer } from './peer.ts';

closeAfterEach();

describeWith(['go'], 'grpc-go', () => {
  test('checks health, watches it, lists services and describes them, compressed or not', async () => {
    buildGoTool(GRPC_PEER);
    const server = await PeerServer.start();
    closeLater(() => server.stop());
    const proxy = await openProxy([listener(), ...cluster('app', [server.port]), route({ http2: true })]);
    const told = await askPeer(proxy.port);
    expect(told).toEqual(await askPeer(server.port));
    expect(told).toMatchObject({
      up: 'SERVING',
      down: 'NOT_SERVING',
      compressed: 'SERVING',
      unknown: 'rpc error: code = NotFound desc = unknown service',
      watched: ['SERVING', 'rpc error: code = Canceled desc = context canceled'],
      services: ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'],
    });
    await proxy.quiet();
  }, 180_000);
});
