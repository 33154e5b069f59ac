// The tools of the conformance suite, built once per version: the suite, the server of its backends, and the DNS server of its UDP tests.
import path from 'node:path';
import { sourceTool } from '../support/go-tool.ts';

/** Binaries `suite` and `echo-basic`, both from the suite's own module. */
export const SUITE = sourceTool('conformance', path.join(import.meta.dirname, 'suite'), [
  ['test', '-c', '-buildvcs=false', '-o', 'suite', '.'],
  ['build', '-buildvcs=false', '-o', 'echo-basic', 'sigs.k8s.io/gateway-api/conformance/echo-basic'],
]);

export const DNS = sourceTool('coredns', path.join(import.meta.dirname, 'dns'));
