import { expect, test } from 'bun:test';
import { readPage, splitPages } from '../../src/documents/content.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('pages end at form feeds', () => {
  expect(splitPages(bytes('one\ftwo\f'))).toEqual(['one', 'two', '']);
  expect(splitPages(bytes(''))).toEqual(['']);
  expect(splitPages(bytes('\ufeffwith a mark'))).toEqual(['with a mark']);
});

test('a page is tidied and counted', () => {
  expect(readPage(3, '  two \t words\n\n more\0 \n')).toEqual({ number: 3, text: 'two words\n\nmore', words: 3 });
  expect(readPage(1, ' \n').words).toBe(0);
});

test('what is not text is refused', () => {
  expect(() => splitPages(new Uint8Array([97, 98, 255]))).toThrow('the document is not UTF-8');
});
