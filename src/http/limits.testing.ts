import type { Limits } from './limits.js';

/** Nobody is held up by anything. */
export const noLimits: Limits = { delayed: [], login: [], register: [], registrationToken: [], send: [], join: [], invite: [], createMedia: [], report: [], createRoom: [], searchUsers: [] };
