// The class and annotation by which Services ask the address pool for addresses, and the condition that answers them.
import { WEIR_GROUP } from '#api/k8s/schema.ts';

/** spec.loadBalancerClass of Services that get their addresses from the pool. */
export const POOL_CLASS = `${WEIR_GROUP}/address-pool`;

/** Annotation of such a Service: the addresses that it asks for, by commas; `any` for one that the pool chooses. */
export const ASKED_ADDRESSES = `${WEIR_GROUP}/addresses`;

/** Condition in the status of such a Service; False where it does not get what it asks for, with a reason of Gateways. */
export const ADDRESSES_ASSIGNED = `${WEIR_GROUP}/AddressesAssigned`;
