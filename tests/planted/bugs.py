"""Bugs to plant, each with the one test that must turn red for it."""

from tests.planted.bug import Bug, Edit
from tests.planted.bugs_of_desks import BUGS_OF_DESKS
from tests.planted.bugs_of_floods import BUGS_OF_FLOODS
from tests.planted.bugs_of_haste import BUGS_OF_HASTE
from tests.planted.bugs_of_linking import BUGS_OF_LINKING
from tests.planted.bugs_of_trouble import BUGS_OF_TROUBLE

__all__ = ["BUGS", "Bug", "Edit"]
GUARANTEES = "tests/planted/test_guarantees.py"
SDK = "libs/common/src/machi_sdk"
IDENTITY = "services/identity/src/machi_identity"
LINE = "services/channel-line/src/machi_channel_line"
REPORTS = "services/reports/src/machi_reports"
SLACK = "services/channel-slack/src/machi_channel_slack"

BUGS: tuple[Bug, ...] = (
    Bug(
        "ack-before-effect",
        "the offset moves before the handler has done its work",
        (
            Edit(
                f"{SDK}/consuming.py",
                "            verdict = await self._handling.process(",
                "            await kafka.commit({where: chunk[-1].offset + 1})\n"
                "            verdict = await self._handling.process(",
            ),
        ),
        f"{GUARANTEES}::test_what_has_no_effect_yet_is_read_again_after_a_crash",
    ),
    Bug(
        "park-skipped",
        "a record that nobody can handle is acknowledged and forgotten",
        (
            Edit(
                f"{SDK}/handling.py",
                "            await self._parking.park(work, raw, reason)\n",
                "            work.db\n",
            ),
        ),
        f"{GUARANTEES}::test_a_refused_record_is_parked_before_it_is_acknowledged",
    ),
    Bug(
        "outbox-without-key-lock",
        "events of one key are numbered before those of an earlier transaction are committed",
        (
            Edit(
                f"{SDK}/outbox.py",
                """        f" FROM unnest({keys}::text[]) AS name ORDER BY 1) AS locks; \"\n""",
                """        f" FROM unnest({keys}::text[]) AS name WHERE false) AS locks; \"\n""",
            ),
        ),
        f"{GUARANTEES}::test_an_event_waits_for_an_earlier_one_of_its_key",
    ),
    Bug(
        "inbox-forgets",
        "a record that comes again is handled again",
        (Edit(f"{SDK}/inbox.py", """            if record.event_id in new:\n""", "            if record.event_id:\n"),),
        f"{GUARANTEES}::test_a_repeated_record_has_one_effect",
    ),
    Bug(
        "a-crash-uncounted",
        "what is handled again after a crash starts the count of the batch anew that the process died of",
        (Edit(f"{SDK}/handling.py", "for last in lasts if fresh else ():", "for last in lasts:"),),
        "libs/common/tests/test_handling.py::test_what_kills_the_process_is_parked_wherever_in_a_poll_it_lies",
    ),
    Bug(
        "foreign-tenant-taken",
        "a record of a tenant that the release does not have reaches a handler",
        (Edit(f"{SDK}/handling.py", "if record.tenant not in self._tenants:", "if not record.tenant:"),),
        f"{GUARANTEES}::test_a_record_of_a_foreign_tenant_reaches_no_handler",
    ),
    Bug(
        "consent-cached",
        "identity remembers a given consent instead of reading it for each release",
        (
            Edit(
                f"{IDENTITY}/adapters/accesses.py", "class PgAccesses:\n", "_GIVEN: dict = {}\n\n\nclass PgAccesses:\n"
            ),
            Edit(
                f"{IDENTITY}/adapters/accesses.py",
                "        consent = standing_in(row).status\n",
                "        consent = standing_in(row).status\n"
                "        if consent.value == 'given':\n"
                "            _GIVEN[asked] = consent\n"
                "        consent = _GIVEN.get(asked, consent)\n",
            ),
        ),
        "services/identity/tests/test_rpc.py::test_an_address_leaves_under_consent_and_stays_after_withdrawal",
    ),
    Bug(
        "rls-off",
        "a migration declares the policy of row-level security and forgets to switch it on",
        (
            Edit(
                f"{SDK}/migrating.py",
                """    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')\n""",
                "",
            ),
        ),
        "services/reports/tests/test_privacy.py::test_rows_are_seen_only_as_their_tenant",
    ),
    Bug(
        "reply-not-remembered",
        "a turn's answer is not kept by event id, so a retry is a second turn",
        (
            Edit(
                f"{SDK}/dialogue/kit.py",
                "            sessions.keep_response(work, request.event_id, response.SerializeToString())\n",
                "",
            ),
        ),
        "services/reports/tests/test_filing.py::test_the_same_event_files_once",
    ),
    Bug(
        "token-audience-unchecked",
        "a pod takes tokens that were issued for another pod",
        (
            Edit(
                f"{SDK}/keys.py",
                """                aud={"essential": True, "value": f"{self._release}/{callee}"},\n""",
                "",
            ),
        ),
        "tools/machi/tests/test_keys.py::test_a_token_names_its_caller_to_the_one_callee",
    ),
    Bug(
        "token-issuer-unchecked",
        "a pod takes tokens of whoever signs with a trusted key, for whatever purpose",
        (
            Edit(
                f"{SDK}/keys.py",
                """                iss={"essential": True, "value": self._read("issuer")},\n""",
                "",
            ),
        ),
        "tools/machi/tests/test_keys.py::test_a_trusted_key_is_not_enough_for_another_issuer",
    ),
    Bug(
        "operator-methods-open",
        "any pod that may call a service may call its operator's methods too",
        (Edit(f"{SDK}/rpc/server.py", "name not in entry.operator_only and theirs is not None", "theirs is not None"),),
        "services/identity/tests/test_rpc.py::test_only_the_operator_installs_and_seeds",
    ),
    Bug(
        "refused-before-manifests-are-read",
        "a pod that was just started refuses its callers for good",
        (Edit(f"{SDK}/rpc/server.py", "            self.installed.require()\n", ""),),
        "libs/common/tests/test_rpc.py::test_who_calls_before_the_manifests_are_read_is_put_off_and_not_refused",
    ),
    Bug(
        "photo-keeps-metadata",
        "a photo is saved again with the words that came with it",
        (
            Edit(
                f"{REPORTS}/adapters/photo_pictures.py",
                "    canvas.paste(image)\n    whole",
                "    canvas = image\n    whole",
            ),
        ),
        "services/reports/tests/test_photo_worker.py::test_a_photo_is_made_anew_without_metadata",
    ),
    Bug(
        "swept-photo-named",
        "a row names a photo that the sweep is just deleting",
        (
            Edit(
                f"{REPORTS}/adapters/photos.py",
                "AND o.object_key = added.object_key AND NOT o.doomed RETURNING",
                "AND o.object_key = added.object_key RETURNING",
            ),
        ),
        "services/reports/tests/test_photo_keeping.py::test_a_writer_that_comes_too_late_stores_nothing",
    ),
    Bug(
        "photo-forgotten-before-it-is-deleted",
        "who claims photos to delete them forgets them first, and dies",
        (
            Edit(
                f"{REPORTS}/use_cases/sweep_photos.py",
                """        shelf.reach("after_photos_claimed")\n""",
                "        async with shelf.begin(tenant) as city:\n"
                "            await city.photo_objects.forget(keys)\n"
                """        shelf.reach("after_photos_claimed")\n""",
            ),
        ),
        "services/reports/tests/test_photo_keeping.py::test_who_dies_while_deleting_is_followed_by_another",
    ),
    Bug(
        "photo-link-for-ever",
        "a link to a photo opens it however old it is",
        (Edit(f"{REPORTS}/adapters/photo_links.py", "if now >= expires_at:", "if expires_at.year < 2000:"),),
        "services/reports/tests/test_photo_links.py::test_a_link_lives_for_ten_minutes",
    ),
    Bug(
        "photos-of-open-cases-expire",
        "a case that was reopened loses its photos all the same",
        (
            Edit(f"{REPORTS}/adapters/photos.py", "    AND r.state IN ('resolved', 'rejected') AND", "    AND"),
            Edit(f"{REPORTS}/use_cases/expire_photos.py", "report.state in CLOSED_STATES and ", ""),
        ),
        "services/reports/tests/test_photo_removal.py::test_a_reopened_case_keeps_its_photos",
    ),
    Bug(
        "photo-file-left-in-thread",
        "a photo that was taken back stays in the desk's thread",
        (
            Edit(
                f"{SLACK}/use_cases/share_photos.py",
                "        if photo.gone:\n",
                "        if photo.gone and not known:\n",
            ),
        ),
        "services/channel-slack/tests/test_photos.py::"
        "test_the_file_of_a_photo_that_is_gone_is_deleted_and_the_thread_says_why",
    ),
    Bug(
        "random-delivery-id",
        "a fact that comes again makes another delivery",
        (
            Edit(
                "services/notifications/src/machi_notifications/use_cases/tell_reporter.py",
                """delivery_id=derived_id("delivery", tenant, fact.report_id, str(fact.version), fact.cause)""",
                """delivery_id=derived_id("delivery", tenant, str(id(news)), str(now.timestamp()), str(object()))""",
            ),
        ),
        "services/notifications/tests/test_deliveries.py::test_a_fact_by_day_becomes_one_request_however_often_it_comes",
    ),
    Bug(
        "line-signature-unchecked",
        "whoever finds the webhook may speak for LINE",
        (
            Edit(
                f"{LINE}/domain/webhook.py",
                'hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "surrogateescape"))',
                "bool(digest)",
            ),
        ),
        "services/channel-line/tests/test_webhook_reading.py::test_official_signature_vectors",
    ),
    Bug(
        "known-retry-key-is-a-failure",
        "LINE's 409 (it has the message already) counts as refused",
        (Edit(f"{LINE}/adapters/judging.py", "if status < 300 or status == 409:", "if status < 300:"),),
        "services/channel-line/tests/test_sending.py::test_what_an_answer_of_line_stands_for",
    ),
    Bug(
        "random-retry-key",
        "each try of a push has a retry key of its own, so LINE cannot know it again",
        (
            Edit(
                f"{LINE}/use_cases/send_answer.py",
                """derived_id("line-answer", tenant, event_id)""",
                """derived_id("line-answer", tenant, event_id, now.isoformat())""",
            ),
        ),
        "services/channel-line/tests/test_pod.py::test_a_token_that_is_too_old_is_answered_by_push",
    ),
    Bug(
        "door-without-signature",
        "the webhook's door reads the signature and lets everybody in",
        (
            Edit(
                f"{LINE}/entrypoints/webhook.py",
                "if not signed(secret, body, signature):",
                "if not signed(secret, body, signature) and not body:",
            ),
        ),
        "services/channel-line/tests/test_pod.py::test_the_door_takes_only_what_line_signed",
    ),
    Bug(
        "slack-age-unchecked",
        "a request that Slack signed long ago may be sent again by anybody who kept it",
        (
            Edit(
                f"{SLACK}/domain/signature.py",
                "return matches and abs(now - int(timestamp)) <= MOST_SECONDS_OFF",
                "return matches",
            ),
        ),
        "services/channel-slack/tests/test_reading.py::test_anything_else_is_refused",
    ),
    Bug(
        "slack-dedupe-off",
        "an event that Slack delivers again gets a new id and has a second effect",
        (
            Edit(
                f"{SLACK}/entrypoints/decoding.py",
                "yield _reply_event(reply.event_id, reply,",
                'yield _reply_event(derived_id("slack-reply", reply.event_id, str(received_at.timestamp())), reply,',
            ),
        ),
        "services/channel-slack/tests/test_officers.py::test_words_in_the_thread_arrive_exactly_and_once",
    ),
    Bug(
        "slack-answer-not-looked-for",
        "an answer whose post ended unclear is posted again without looking",
        (
            Edit(
                f"{SLACK}/use_cases/direct_messages.py",
                "if first_at is not None and message.mark is not None:",
                "if False and first_at is not None and message.mark is not None:",
            ),
        ),
        "services/channel-slack/tests/test_residents.py::test_an_answer_of_unclear_outcome_reaches_the_person_once",
    ),
    Bug(
        "language-without-fallback",
        "a text that is missing in one language stops the conversation",
        (
            Edit(
                f"{SDK}/texts.py",
                "for tag in (*chain(language), *self.languages) if tag in self._entries)",
                "for tag in (language,) if tag in self._entries)",
            ),
        ),
        "libs/common/tests/test_small_parts.py::test_texts_fall_back_along_the_chain_of_their_language",
    ),
    Bug(
        "raw-times-shown",
        "people read a machine's time",
        (
            Edit(
                f"{REPORTS}/entrypoints/wording.py",
                "        return written(self.language).day_and_clock(self._local(at), self._local(now))\n",
                '        return self._local(at).isoformat(" ", "minutes")\n',
            ),
        ),
        "services/reports/tests/test_desk.py::test_a_card_shows_the_case",
    ),
    Bug(
        "menus-of-every-language",
        "rich menus are made in languages that the city does not offer",
        (
            Edit(
                f"{LINE}/use_cases/keep_menus.py",
                "for menu in plan(languages)",
                'for menu in plan([*languages, "zh-Hant"])',
            ),
        ),
        "services/channel-line/tests/test_pod.py::test_menus_follow_pods_and_people_their_language",
    ),
    Bug(
        "grpc-forks-too",
        "gRPC starts its threads in what is forked to become another program",
        (
            Edit(
                "libs/common/src/machi_sdk/starting.py",
                '"GRPC_ENABLE_FORK_SUPPORT"] = "0"',
                '"GRPC_ENABLE_FORK_SUPPORT"] = "1"',
            ),
        ),
        "libs/common/tests/test_starting.py::test_another_program_is_started_without_touching_grpc",
    ),
    Bug(
        "closed-connection-ends-a-consumer",
        "a connection that a broker closed is told in a way that ends aiokafka's background tasks for good",
        (Edit(f"{SDK}/kafka_client.py", "    except RuntimeError as error:", "    except LookupError as error:"),),
        "libs/common/tests/test_kafka_client.py"
        "::test_on_uvloop_too_a_closed_connection_is_an_error_that_aiokafka_knows",
    ),
    Bug(
        "consumer-never-stops",
        "a consumer whose heartbeat missed its cancellation is waited for for ever",
        (Edit(f"{SDK}/kafka_client.py", "            stopping.cancel()\n    finally:\n", "    finally:\n"),),
        "libs/common/tests/test_kafka_client.py::test_a_consumer_stops_though_its_heartbeat_missed_its_cancellation",
    ),
    *BUGS_OF_HASTE,
    *BUGS_OF_FLOODS,
    *BUGS_OF_LINKING,
    *BUGS_OF_DESKS,
    *BUGS_OF_TROUBLE,
)
