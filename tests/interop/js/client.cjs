// RocketMQ's JavaScript client: sends ten messages, or consumes what comes.
//
//     node client.cjs send NAME_SERVERS TOPIC
//     node client.cjs consume NAME_SERVERS TOPIC GROUP EXPRESSION COUNT
//
// Prints a line of JSON for each message. NODE_PATH names the folder of npm's packages.
'use strict';

const { Consumer, Message, Producer } = require('ali-ons');

const COUNT = 10;
const PATIENCE_MS = 60_000;

const quiet = { debug() {}, info() {}, warn() {}, error: console.error };

/** An HTTP client is asked for, and used only where there is no list of name servers. */
function settings(nameServers, more) {
  return { nameSrv: nameServers.split(';'), httpclient: {}, logger: quiet, ...more };
}

function say(what) {
  process.stdout.write(JSON.stringify(what) + '\n');
}

/** Every second one with the tag `paid`. */
async function send(nameServers, topic) {
  const producer = new Producer(settings(nameServers, { producerGroup: 'js-producer' }));
  await producer.ready();
  for (let number = 0; number < COUNT; number++) {
    const tag = number % 2 ? 'paid' : 'open';
    const message = new Message(topic, tag, `coffee ${number}`);
    message.keys = [`order-${number}`];
    message.properties.colour = `blau-${number} ☕`;
    const result = await producer.send(message);
    say({ status: result.sendStatus, id: result.msgId });
  }
  await producer.close();
}

/** `count` messages, or as many as come while there is patience. */
async function consume(nameServers, topic, group, expression, count) {
  const consumer = new Consumer(settings(nameServers, { consumerGroup: group }));
  let left = Number(count);
  const all = new Promise(resolve => {
    setTimeout(resolve, PATIENCE_MS).unref();
    consumer.subscribe(topic, expression, async message => {
      say({
        id: message.msgId,
        body: message.body.toString(),
        keys: message.keys,
        tags: message.tags,
        colour: message.properties.colour,
      });
      if (--left === 0) resolve();
    });
  });
  await consumer.ready();
  await all;
  await consumer.close();
}

const [, , command, ...words] = process.argv;
({ send, consume })[command](...words).then(
  () => process.exit(0),
  error => {
    console.error(error);
    process.exit(1);
  },
);
