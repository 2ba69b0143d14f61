// SPDX-License-Identifier: MIT
// Where the provider keeps tokens, sessions and grants: in memory, for all instances of it alike, so that they survive
// a change of keys. oidc-provider's own memory forgets all but the last thousand. It judges lifetimes itself.
const records = new Map();
const idOfUid = new Map();
const idOfUserCode = new Map();

export class MemoryAdapter {
  #model;

  constructor(model) {
    this.#model = model;
  }

  #key(id) {
    return `${this.#model} ${id}`;
  }

  async upsert(id, payload) {
    records.set(this.#key(id), payload);
    if (this.#model === 'Session') idOfUid.set(payload.uid, id);
    if (payload.userCode) idOfUserCode.set(payload.userCode, id);
  }

  async find(id) {
    return records.get(this.#key(id));
  }

  async findByUid(uid) {
    return this.find(idOfUid.get(uid));
  }

  async findByUserCode(userCode) {
    return this.find(idOfUserCode.get(userCode));
  }

  async consume(id) {
    records.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    records.delete(this.#key(id));
  }

  // Called for each kind of token; the grant itself is destroyed by its id.
  async revokeByGrantId(grantId) {
    for (const [key, payload] of records) {
      if (payload.grantId === grantId && key.startsWith(`${this.#model} `)) records.delete(key);
    }
  }
}
