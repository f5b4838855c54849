import { MemoryDocuments } from '../support/fakes.ts';
import { checkStore } from '../support/store-checks.ts';

checkStore(async () => {
  const documents = new MemoryDocuments();
  const requests = async () => documents.tasks.map(({ requestId }) => requestId);
  return { documents, owner: crypto.randomUUID(), requests };
});
