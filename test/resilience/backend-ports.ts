// The ports of backend-pod.ts by their names in the Service.
export const BACKEND_PORTS = { http: 8080, h2c: 8081, grpc: 8082 } as const;
