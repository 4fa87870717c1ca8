"""What each of 39 kinds of app needs for its basic function (PRIV-OVERCOLLECT).

Provisions on the Scope of Necessary Personal Information for Common Types of Mobile Internet
Applications (four Chinese agencies, 2021), in force 2021-05-01, in our own paraphrase. Rows whose
text was compared with a published copy are `verified`; the others must be transcribed from the
official text before a rule may treat them as law.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

SOURCE = "Provisions on the Scope of Necessary Personal Information, 2021"
VALID_FROM = date(2021, 5, 1)


@dataclass(frozen=True, slots=True)
class AppType:
    """One kind of app.

    Attributes:
        number: item of the Provisions.
        code: as filed in ``apps.app_type``.
        needs: words of `PERSONAL_DATA` its basic function needs; none for thirteen kinds.
        verified: the item was compared with a published text.
        needs_in_part: words needed only by some of the services of the kind; they are necessary
            too, because the filings do not say which services an app offers.
    """

    number: int
    code: str
    zh: str
    needs: tuple[str, ...] = ()
    needs_in_part: tuple[str, ...] = ()
    verified: bool = False
    source: str = SOURCE
    valid_from: date = VALID_FROM

    @property
    def necessary(self) -> tuple[str, ...]:
        """All words that are no excess for this kind."""
        return self.needs + self.needs_in_part


_PHONE, _PAY, _ID = ("phone",), ("payment_info",), ("id_document",)
_RECIPIENT = ("recipient_name", "recipient_address", "recipient_phone")
_PLACE = ("precise_location", "coarse_location", "origin_destination")
_TRIP = ("travel_details",)

# fmt: off
APP_TYPES: tuple[AppType, ...] = (
    AppType(1, "map_navigation", "地图导航", _PLACE, verified=True),
    AppType(2, "ride_hailing", "网络约车", (*_PHONE, *_PLACE, "trajectory", *_PAY), verified=True),
    AppType(3, "instant_messaging", "即时通信",
            (*_PHONE, "account_info", "contact_accounts"), verified=True),
    AppType(4, "online_community", "网络社区", _PHONE, verified=True),
    AppType(5, "online_payment", "网络支付",
            (*_PHONE, "real_name", *_ID, "bank_card"), verified=True),
    AppType(6, "online_shopping", "网上购物", (*_PHONE, *_RECIPIENT, *_PAY), verified=True),
    AppType(7, "food_delivery", "餐饮外卖", (*_PHONE, *_RECIPIENT, *_PAY), verified=True),
    AppType(8, "parcel_delivery", "邮件快件寄递",
            ("real_name", *_ID, "sender_address", "phone", *_RECIPIENT, "parcel_details")),
    AppType(9, "transport_ticketing", "交通票务",
            (*_PHONE, "real_name", *_ID, "passenger_type", "origin_destination", *_TRIP, *_PAY),
            ("vehicle_plate",)),
    AppType(10, "dating", "婚恋相亲", (*_PHONE, "sex", "age", "marital_status")),
    AppType(11, "recruitment", "求职招聘", (*_PHONE, "resume")),
    AppType(12, "online_lending", "网络借贷", (*_PHONE, "real_name", *_ID, "bank_card")),
    AppType(13, "housing", "房屋租售", (*_PHONE, "property_details")),
    AppType(14, "used_cars", "二手车交易",
            (*_PHONE, "real_name", *_ID, "vehicle_licence", "vehicle_vin")),
    AppType(15, "medical_registration", "问诊挂号", _PHONE,
            ("real_name", *_ID, "medical_visit", "health_condition")),
    AppType(16, "travel", "旅游服务",
            (*_PHONE, "real_name", *_ID, *_TRIP, "contact_details")),
    AppType(17, "hotel", "酒店服务",
            (*_PHONE, "real_name", "contact_details", *_TRIP)),
    AppType(18, "online_games", "网络游戏", _PHONE),
    AppType(19, "education", "学习教育", _PHONE),
    AppType(20, "local_services", "本地生活", _PHONE),
    AppType(21, "womens_health", "女性健康", verified=True),
    AppType(22, "vehicle_use", "用车服务", (*_PHONE, *_PAY),
            ("real_name", *_ID, "driving_licence", "precise_location", "coarse_location")),
    AppType(23, "investment", "投资理财",
            (*_PHONE, "real_name", *_ID, "id_image", "bank_account", "bank_card")),
    AppType(24, "mobile_banking", "手机银行",
            (*_PHONE, "real_name", *_ID, "id_image", "bank_card"), ("payee_details",)),
    AppType(25, "mail_cloud", "邮箱云盘", _PHONE),
    AppType(26, "remote_meeting", "远程会议", _PHONE),
    AppType(27, "live_streaming", "网络直播", verified=True),
    AppType(28, "online_av", "在线影音", verified=True),
    AppType(29, "short_video", "短视频", verified=True),
    AppType(30, "news", "新闻资讯", verified=True),
    AppType(31, "fitness", "运动健身", verified=True),
    AppType(32, "browser", "浏览器", verified=True),
    AppType(33, "input_method", "输入法", verified=True),
    AppType(34, "security_mgmt", "安全管理", verified=True),
    AppType(35, "e_books", "电子图书", verified=True),
    AppType(36, "photo_beautify", "拍摄美化", verified=True),
    AppType(37, "app_store", "应用商店", verified=True),
    AppType(38, "utilities", "实用工具", verified=True),
    AppType(39, "show_ticketing", "演出票务", (*_PHONE, "session_seat", *_PAY)),
)
# fmt: on
"""Every kind, by its item."""

PERSONAL_DATA: dict[str, tuple[str, ...]] = {
    "phone": ("phone_number", "mobile_number", "registered_phone", "contact.phone"),
    "payment_info": ("payment", "payment_record", "purchase_history", "financial.payment_record"),
    "recipient_name": (),
    "recipient_address": ("delivery_address", "contact.delivery"),
    "recipient_phone": (),
    "sender_address": (),
    "parcel_details": ("transaction.item",),
    "precise_location": ("location", "fine_location", "gps", "location.precise"),
    "coarse_location": ("approximate_location", "location.coarse"),
    "origin_destination": (),
    "trajectory": ("track", "location.trajectory"),
    "travel_details": ("transaction.travel",),
    "account_info": ("user_ids", "account", "user_id"),
    "contact_accounts": ("account.contacts", "friend_list"),
    "contacts_list": ("contacts", "address_book"),
    "contact_details": ("email", "email_address", "contact"),
    "real_name": ("name",),
    "id_document": ("id_number", "government_id", "identity.gov_id"),
    "id_image": (),
    "bank_card": ("card_number", "financial.card"),
    "bank_account": ("financial_account", "financial_info", "financial.account"),
    "payee_details": (),
    "passenger_type": (),
    "vehicle_plate": ("vehicle.plate",),
    "vehicle_licence": (),
    "vehicle_vin": ("vehicle.vin",),
    "driving_licence": (),
    "sex": ("gender",),
    "age": ("birthday", "date_of_birth"),
    "marital_status": (),
    "resume": ("cv", "employment.cv"),
    "property_details": ("property",),
    "medical_visit": ("health.visit",),
    "health_condition": ("health", "health_info", "health.condition"),
    "session_seat": (),
    "device_id": ("device_or_other_ids", "imei", "mac_address", "android_id", "other_uuids"),
    "advertising_id": ("aaid", "gaid", "idfa", "oaid", "hashed_idfa", "ad_id"),
    "ip_address": ("public_ip", "local_ips"),
    "installed_apps": ("app_list",),
    "sms": ("sms_or_mms", "messages"),
    "call_log": (),
    "calendar": ("calendar_events",),
    "photos": ("photos_and_videos", "photo"),
    "microphone_audio": ("audio", "voice"),
    "clipboard": (),
    "browsing_history": ("web_browsing_history", "search_history"),
    "biometric": ("face", "fingerprint", "face_image", "voiceprint", "iris"),
    "religion": ("religious_belief",),
    "sexual_orientation": (),
    "ethnicity": ("race_and_ethnicity",),
    "political_opinion": ("political_or_religious_beliefs",),
}
"""Our words for personal data, each with other words for the same thing."""


def known_words() -> dict[str, str]:
    """Every known word, in lower case, with our word for it."""
    own = {word: word for word in PERSONAL_DATA}
    return {alias: word for word, aliases in PERSONAL_DATA.items() for alias in aliases} | own
