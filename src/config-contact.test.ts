import { describe, expect, it } from '@jest/globals';
import { adminContact } from './config-contact.js';

describe('admin_contact', () => {
  it.each([
    ['mailto:help@shard.example', { email_address: 'help@shard.example' }],
    ['help@shard.example', { email_address: 'help@shard.example' }],
    ['@help:other.example', { matrix_id: '@help:other.example' }],
    ['https://shard.example/help', { support_page: 'https://shard.example/help' }],
  ])('%s is a way to ask for help', (written, contact) => expect(adminContact(written)).toEqual(contact));

  it.each(['the operators', 'mailto:', 'mailto:a@b?subject=x', '@help', 'ftp://shard.example/help', 'javascript:alert(1)', '', 7])('%s is none', (written) => {
    expect(() => adminContact(written)).toThrow(/expected here/);
  });
});
