/** What must hold after the simulated weeks. Each gives the sentences of what does not. */
import type { Person, WrittenMail } from './people.ts';
import type { LifeWorld } from './world.ts';

const PAGE = 500;

/** Marks of the mails in all folders of a person, each as often as it is shown. */
export async function marksOf(world: LifeWorld, person: Person): Promise<string[]> {
  await world.during(person.device.start());
  const { service } = person.device.client;
  const marks: string[] = [];
  for (const { name } of await service.folders()) {
    if (name === 'Sent' || name === 'Drafts') continue;
    for (let before: string | undefined; ;) {
      const query = { folder: name, limit: PAGE, ...(before === undefined ? {} : { before }) };
      const page = await service.messages(query);
      marks.push(...page.map((one) => one.subject));
      before = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
  }
  await world.during(person.device.stop());
  return marks;
}

/** No mail that was shown as stored is missing, and none is shown twice. */
export async function checkDelivery(world: LifeWorld): Promise<string[]> {
  const faults: string[] = [];
  for (const person of world.people) {
    const shown = new Map<string, number>();
    for (const mark of await marksOf(world, person)) shown.set(mark, (shown.get(mark) ?? 0) + 1);
    for (const [mark, times] of shown) {
      if (times > 1) faults.push(`${mark} is shown ${times} times`);
    }
    const due = world.mails.filter((mail) => mail.to === person.facts.index && isPromised(mail));
    for (const { mark } of due) if (!shown.has(mark)) faults.push(`${mark} is lost`);
  }
  return faults;

  function isPromised(mail: WrittenMail): boolean {
    const recipient = world.people[mail.to];
    if (recipient === undefined) return false;
    if (mail.isFetched) return true;
    if (recipient.facts.runsNode) return mail.isConfirmed;
    // Provider 0 loses its disk now and then: what it alone kept is lost with it.
    const safe = new Set(world.providers.slice(1).map(({ bondId }) => bondId));
    return mail.storedAt.some((bondId) => safe.has(bondId));
  }
}
