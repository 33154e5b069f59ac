// How Services ask the address pool of the controller for addresses, and how they are told what they get.
import { WEIR_GROUP } from '#api/k8s/schema.ts';

/** spec.loadBalancerClass of Services that get their addresses from the pool. */
export const POOL_CLASS = `${WEIR_GROUP}/address-pool`;

/** Annotation of such a Service: the addresses that it asks for, by commas; `any` for one that the pool chooses. */
export const ASKED_ADDRESSES = `${WEIR_GROUP}/addresses`;

/** Condition in the status of such a Service; False where it does not get what it asks for, with a reason of Gateways. */
export const ADDRESSES_ASSIGNED = `${WEIR_GROUP}/AddressesAssigned`;
