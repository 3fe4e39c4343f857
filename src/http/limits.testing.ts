import type { Limits } from './limits.js';

/** Nobody is held up by anything. */
export const noLimits: Limits = {
  createMedia: [],
  createRoom: [],
  delayed: [],
  join: [],
  login: [],
  presence: [],
  profile: [],
  redact: [],
  register: [],
  registrationToken: [],
  report: [],
  searchUsers: [],
  send: [],
};
