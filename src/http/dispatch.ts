import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { pathsOf, type Endpoint } from '../api/endpoint.js';
import { knownPaths } from '../api/known-paths.js';
import type { Services } from '../api/services.js';
import { tokenIn } from '../auth/authenticate.js';
import { isUnlimited } from '../auth/brakes.js';
import type { Session } from '../auth/session.js';
import { refuseSuspended } from '../auth/suspension.js';
import { hashToken } from '../auth/tokens.js';
import type { Reply } from '../matrix/reply.js';
import { AnswerMemory } from './answer-memory.js';
import { dropLeftover, sendError, sendPreflight, sendReply, sendText } from './answer.js';
import { DEFAULT_BODY_BYTES, readBody } from './body.js';
import { parseCall, type Exchange, type Target } from './call.js';
import { createSpend, type BucketsOf, type Limits, type Spend } from './limits.js';
import { reportFailure } from './report.js';
import { addRoute, emptyRoutes, findRoute, type Match, type Routes } from './routes.js';
import { createValidators, decodeComponent } from './validate.js';

/** Who is behind an `Authorization` header; refuses with M_MISSING_TOKEN, M_UNKNOWN_TOKEN, and M_USER_LOCKED unless `evenLocked`. */
export type Authenticate = (
  authorization: string | undefined,
  from: { readonly ip: string; readonly userAgent: string | undefined; readonly evenLocked: boolean; readonly query: string },
) => Promise<Session>;

export interface AppParts {
  readonly endpoints: readonly Endpoint[];
  readonly services: Services;
  readonly authenticate: Authenticate;
  readonly limits: Limits;
  readonly bucketsOf: BucketsOf;
  readonly log: Logger;
}

export type Dispatch = (req: Request, res: Response) => Promise<void>;

interface Machine {
  readonly parts: AppParts;
  readonly spend: Spend;
  readonly routes: Routes<Target>;
  readonly memory: AnswerMemory;
  readonly nextRequestId: () => string;
}

/** Compiles the table once; what it returns answers every request and never rejects. */
export function createDispatch(parts: AppParts): Dispatch {
  const { random } = parts.services;
  const run = random(3).toString('hex');
  let requests = 0;
  const machine: Machine = {
    parts,
    spend: createSpend(parts.bucketsOf, parts.limits),
    routes: compileRoutes(parts.endpoints),
    memory: new AnswerMemory(),
    nextRequestId: () => `${run}-${(requests += 1)}`,
  };
  return (req, res) => serve(machine, req, res);
}

function compileRoutes(endpoints: readonly Endpoint[]): Routes<Target> {
  const validators = createValidators();
  const routes = emptyRoutes<Target>();
  for (const endpoint of endpoints) {
    const { body, query } = endpoint.shapes;
    const target: Target = {
      endpoint,
      // The row constructors have checked that the call described by the row, which is what `parseCall` makes, suits the handler.
      handler: endpoint.handler as Target['handler'],
      checkBody: body && validators.body(body),
      checkQuery: query && validators.query(query),
    };
    for (const path of pathsOf(endpoint)) addRoute(routes, endpoint.method, path, target);
  }
  for (const { method, path } of knownPaths) addRoute(routes, method, path);
  return routes;
}

async function serve(machine: Machine, req: Request, res: Response): Promise<void> {
  if (machine.parts.services.closing.aborted) res.shouldKeepAlive = false;
  if (req.method === 'OPTIONS') sendPreflight(res);
  else if (req.url === '/health') sendText(res, 'OK');
  else return serveLogged(machine, req, res);
  dropLeftover(req);
}

async function serveLogged(machine: Machine, req: Request, res: Response): Promise<void> {
  const { log } = machine.parts;
  const start = performance.now();
  const requestId = machine.nextRequestId();
  const mark = req.url.indexOf('?');
  let route = 'unknown';
  try {
    // Whoever may GET may ask for the headers alone (RFC 9110 §9.3.2); what would be the body is not sent.
    const method = req.method === 'HEAD' ? 'GET' : req.method;
    const match = findRoute(machine.routes, method, mark < 0 ? req.url : req.url.slice(0, mark));
    route = match.target.endpoint.path;
    const query = mark < 0 ? '' : req.url.slice(mark + 1);
    const sent = sendReply(res, await answer(machine, match, { req, res, query, ip: req.ip ?? '' }), machine.memory);
    if (sent !== undefined) await sent;
    if (match.target.checkBody === undefined) dropLeftover(req);
  } catch (error) {
    const refusal = reportFailure(log, error, { requestId, route }, res.destroyed);
    if (refusal !== undefined && !res.headersSent && !res.destroyed) sendError(res, refusal);
    dropLeftover(req);
  }
  const ms = Math.round((performance.now() - start) * 10) / 10;
  if (res.writableEnded) log.info({ requestId, method: req.method, route, status: res.statusCode, ms }, 'request');
  else log.info({ requestId, method: req.method, route, gone: true, ms }, 'request');
}

/** In this order: who asks, whether they may, and so often, what they ask. Only then the handler. */
async function answer({ parts, spend }: Machine, match: Match<Target>, exchange: Exchange): Promise<Reply> {
  const { endpoint, handler, checkBody } = match.target;
  const { req, ip } = exchange;
  const { limit, maxBody = DEFAULT_BODY_BYTES, evenLocked = false, activeOnly = false } = endpoint.shapes;
  const from = { ip, userAgent: req.headers['user-agent'], evenLocked, query: exchange.query };
  const session = endpoint.who === 'session' ? await parts.authenticate(req.headers.authorization, from) : undefined;
  if (activeOnly && session !== undefined) refuseSuspended(session);
  if (limit !== undefined && !asksForNone(parts, session, req.headers.authorization)) {
    const room = match.values[match.names.findIndex((name) => name === 'roomId' || name === 'roomIdOrAlias')];
    await spend(limit, { user: session?.userId, address: ip, room: room && decodeComponent(room) });
  }
  const bytes = checkBody && (await readBody(req, maxBody));
  return handler(parts.services, parseCall(match, exchange, session, bytes));
}

/** Whether an application service asks that the operator set no rates for; at the doors of registration and log-in it has no session yet. */
function asksForNone({ services }: AppParts, session: Session | undefined, authorization: string | undefined): boolean {
  if (session !== undefined) return isUnlimited(session);
  const token = tokenIn(authorization);
  return token !== undefined && services.appServices.byTokenHash(hashToken(token))?.isRateLimited === false;
}
