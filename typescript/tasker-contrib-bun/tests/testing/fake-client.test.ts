import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { defineStep } from '../../src/index.ts';
import { fakeClient, runWorkflow } from '../../src/testing/index.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const templates = join(import.meta.dir, '../fixtures/schemas');
const order = { order_id: 7, lines: [{ cents: 120 }] };
const shop = { namespace: 'shop' };

describe('a fake client', () => {
  test('remembers what was created, and ends it as told', async () => {
    const tasker = fakeClient();
    const task = await tasker.createTask('order', order, { ...shop, priority: 5 });
    expect(tasker.created).toMatchObject([{ name: 'order', namespace: 'shop', context: order, priority: 5 }]);
    expect((await tasker.getTask(task)).status).toBe('pending');
    tasker.finish(task, { results: { price: { cents: 120 } } });
    expect(await tasker.wait(task)).toMatchObject({ status: 'complete', completed_steps: 1 });
    const [step] = await tasker.steps(task);
    expect(step).toMatchObject({ name: 'price', results: { success: true, result: { cents: 120 } } });
    expect(await tasker.getStep(task, step?.step_uuid ?? '')).toEqual(step as never);
    await expect(tasker.cancelTask(task)).rejects.toMatchObject({ code: 'validation' });
    expect(() => tasker.finish(crypto.randomUUID())).toThrow('has created no task');
  });

  test('has the rules of the server', async () => {
    const tasker = fakeClient({ templates });
    const task = await tasker.createTask('order', order, shop);
    await expect(tasker.createTask('order', order, shop)).rejects.toMatchObject({ code: 'conflict' });
    const again = await tasker.createTask('order', order, { ...shop, idempotent: true });
    expect(again.task_uuid).toBe(task.task_uuid);
    await expect(tasker.createTask('other', order, shop)).rejects.toMatchObject({ code: 'not_found' });
    await expect(tasker.createTask('order', {}, shop)).rejects.toMatchObject({ code: 'validation' });
    await expect(tasker.getTask(crypto.randomUUID())).rejects.toMatchObject({ code: 'not_found' });
    expect((await tasker.cancelTask(task)).status).toBe('cancelled');
    expect(await tasker.listTasks({ namespace: 'shop', status: 'completed' })).toMatchObject({ total: 1 });
    expect(await tasker.listTasks({ namespace: 'shop', status: 'pending' })).toMatchObject({ total: 0 });
    expect((await tasker.health()).healthy).toBe(true);
  });

  test('fails as told, once', async () => {
    const tasker = fakeClient();
    for (const code of ['backpressure', 'unauthorized', 'unavailable', 'server'] as const) {
      tasker.failNext(code);
      await expect(tasker.createTask('order')).rejects.toMatchObject({ code });
    }
    expect((await tasker.createTask('order')).status).toBe('pending');
  });

  test('runs a workflow in memory when it is to', async () => {
    const price = defineStep('shop.price', {}, ({ input }) => {
      if (input.order_id === 8) throw new TypeError('no');
      return { cents: 1 };
    });
    const run = (context: Record<string, unknown>) =>
      runWorkflow(join(templates, 'order.yaml'), { context, handlers: [price] });
    const tasker = fakeClient({ workflows: { 'shop/order': run } });
    const good = await tasker.wait(await tasker.createTask('order', order, shop));
    expect([good.status, (await tasker.steps(good))[0]?.results?.result]).toEqual(['complete', { cents: 1 }]);
    const bad = await tasker.wait(await tasker.createTask('order', { ...order, order_id: 8 }, shop));
    expect(bad.status).toBe('blocked_by_failures');
    expect((await tasker.steps(bad))[0]?.results?.error?.message).toContain('no');
  });
});
