import { expect, it } from '@jest/globals';
import { addRoute, emptyRoutes, findRoute } from './routes.js';

it('prefers what is fixed, and goes back when it leads nowhere', () => {
  const routes = emptyRoutes<string>();
  addRoute(routes, 'GET', '/keys/version', 'newest');
  addRoute(routes, 'GET', '/keys/:version', 'one');
  addRoute(routes, 'GET', '/keys/:version/keys', 'keys of one');
  expect(findRoute(routes, 'GET', '/keys/version').target).toBe('newest');
  expect(findRoute(routes, 'GET', '/keys/7')).toEqual({ target: 'one', values: ['7'], names: ['version'] });
  expect(findRoute(routes, 'GET', '/keys/version/keys')).toMatchObject({ target: 'keys of one', values: ['version'] });
});

it('refuses two rows for one path', () => {
  const routes = emptyRoutes<string>();
  addRoute(routes, 'GET', '/devices/:deviceId', 'a');
  expect(() => { addRoute(routes, 'GET', '/devices/:userId', 'b'); }).toThrow('two rows answer GET /devices/:userId');
});
