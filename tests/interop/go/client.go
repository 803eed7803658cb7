// RocketMQ's Go client: sends ten messages, or consumes what comes.
//
//	client send NAME_SERVERS TOPIC
//	client consume NAME_SERVERS TOPIC GROUP EXPRESSION COUNT
//
// Prints a line of JSON for each message.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const (
	count    = 10
	patience = 60 * time.Second
)

func main() {
	log.SetFlags(0)
	rlog.SetLogLevel("error")
	words := os.Args[2:]
	servers := strings.Split(words[0], ";")
	switch os.Args[1] {
	case "send":
		send(servers, words[1])
	case "consume":
		wanted, err := strconv.Atoi(words[4])
		must(err)
		consume(servers, words[1], words[2], words[3], wanted)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

var speaking sync.Mutex

// say prints one line at one go: listeners run side by side.
func say(what map[string]string) {
	line, err := json.Marshal(what)
	must(err)
	speaking.Lock()
	defer speaking.Unlock()
	fmt.Println(string(line))
}

// send sends the messages, every second one with the tag `paid`.
func send(servers []string, topic string) {
	one, err := rocketmq.NewProducer(
		producer.WithNameServer(servers), producer.WithGroupName("go-producer"))
	must(err)
	must(one.Start())
	for number := 0; number < count; number++ {
		message := primitive.NewMessage(topic, []byte(fmt.Sprintf("coffee %d", number)))
		message.WithKeys([]string{fmt.Sprintf("order-%d", number)})
		message.WithTag([]string{"open", "paid"}[number%2])
		message.WithProperty("colour", fmt.Sprintf("blau-%d ☕", number))
		result, err := one.SendSync(context.Background(), message)
		must(err)
		status := []string{"OK", "FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE"}
		say(map[string]string{"status": status[result.Status], "id": result.MsgID})
	}
	must(one.Shutdown())
}

// consume receives `wanted` messages, or as many as come while there is patience.
func consume(servers []string, topic, group, expression string, wanted int) {
	come := make(chan bool, wanted)
	one, err := rocketmq.NewPushConsumer(
		consumer.WithNameServer(servers), consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	must(err)
	listen := func(_ context.Context, given ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range given {
			say(map[string]string{
				"id":     message.MsgId,
				"body":   string(message.Body),
				"keys":   strings.TrimSpace(message.GetKeys()),
				"tags":   message.GetTags(),
				"colour": message.GetProperty("colour"),
			})
			come <- true
		}
		return consumer.ConsumeSuccess, nil
	}
	chosen := consumer.MessageSelector{Type: consumer.TAG, Expression: expression}
	must(one.Subscribe(topic, chosen, listen))
	must(one.Start())
	deadline := time.After(patience)
	for ; wanted > 0; wanted-- {
		select {
		case <-come:
		case <-deadline:
			wanted = 0
		}
	}
	must(one.Shutdown())
}
