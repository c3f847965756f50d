// Reads every list of a team with the vendor's own client and prints the ids it found, as JSON.
import { createRequire } from 'node:module';

const [folder, baseUrl, apiKey] = process.argv.slice(2);
const mailshake = createRequire(`${folder}/package.json`)('mailshake-node')(apiKey, { baseUrl });

async function all(list, args) {
  const found = [];
  let page = await list({ ...args, perPage: 100 });
  while (page.results.length > 0) {
    found.push(...page.results);
    page = await page.next();
  }
  return found;
}

const campaigns = await all(mailshake.campaigns.list);
const recipients = [];
for (const campaign of campaigns) {
  recipients.push(...(await all(mailshake.recipients.list, { campaignID: campaign.id })));
}
const found = {
  members: await all(mailshake.team.listMembers),
  senders: await all(mailshake.senders.list),
  campaigns,
  recipients,
  leads: await all(mailshake.leads.list),
  sent: await all(mailshake.activity.sent),
  opens: await all(mailshake.activity.opens),
  clicks: await all(mailshake.activity.clicks),
  replies: await all(mailshake.activity.replies),
};
const ids = Object.entries(found).map(([name, records]) => [name, records.map((record) => String(record.id))]);
console.log(JSON.stringify(Object.fromEntries(ids)));
